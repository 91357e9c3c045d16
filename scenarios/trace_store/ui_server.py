"""Run MLflow's UI on the trace store, as `make ui` does, and find the address of a running one.

    python -m scenarios.trace_store.ui_server PORT

A running UI leaves a file with its process id and port, so that printed links lead to it.
"""

import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from scenarios.atomic_write import FileNotWrittenError, write_atomically
from scenarios.trace_store.sqlite_statistics import update_statistics
from scenarios.trace_store.tracking_uri import tracking_uri

CONNECT_TIMEOUT_S = 0.5


def find_running_ui(store: str) -> str | None:
    """The address of the running UI of a store, or None."""
    try:
        started = json.loads(_address_file(store).read_text())
        pid, port = int(started["pid"]), int(started["port"])
        if os.name != "nt":  # on Windows, this would end the process
            os.kill(pid, 0)
        socket.create_connection(("127.0.0.1", port), CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return f"http://127.0.0.1:{port}"


def run_ui(port: int, environment: Mapping[str, str] = os.environ) -> None:
    """Become MLflow's server, whose process id and port are in the file."""
    store = tracking_uri(environment)
    update_statistics(store)
    with suppress(FileNotWrittenError):  # links then lead to the default port
        write_atomically(_address_file(store), json.dumps({"pid": os.getpid(), "port": port}))
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    server = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": store}
    arguments = ["server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    os.execve(mlflow, [mlflow, *arguments], {**environment, **server})


def _address_file(store: str) -> Path:
    """The file of a store. Its name is a digest, because the URI may contain a password."""
    scheme, has_file, file = store.partition(":///")
    if has_file and scheme.partition("+")[0] == "sqlite":
        store = f"sqlite:///{Path(file).resolve()}"
    digest = sha256(store.encode(errors="surrogatepass")).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else ""
    return Path(gettempdir(), f"flight-ui-{user}-{digest}.json")


if __name__ == "__main__":
    run_ui(int(sys.argv[1]))
