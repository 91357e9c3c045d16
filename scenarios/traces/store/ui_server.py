"""Run MLflow's UI on the trace store, find a running one, and link to its pages.

    python -m scenarios.traces.store.ui_server PORT

A running UI leaves a file with its process id and port, so that printed links lead to it.
"""

import json
import os
import socket
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from shlex import quote as quote_for_shell
from tempfile import gettempdir
from urllib.parse import quote as quote_for_url

from patches.mlflow.store.store_address import hide_credentials
from scenarios.reports.atomic_write import FileNotWrittenError, write_atomically
from scenarios.traces.store.sqlite_statistics import update_statistics
from scenarios.traces.store.tracking_uri import tracking_uri

UI_URL = "http://127.0.0.1:5000"
"""The address at which `make ui` serves MLflow's UI."""

CONNECT_TIMEOUT_S = 0.5
HIDDEN_WARNING = "ignore:starlette.middleware.wsgi is deprecated"
"""MLflow's server causes it at each start; a user can do nothing about it."""


def ui_url(store: str) -> str:
    """The address of MLflow's UI: of a running one, or at which it can be started.

    A store that is a server shows its traces itself.
    """
    if store.startswith("http"):
        return hide_credentials(store, store).rstrip("/")
    return find_running_ui(store) or UI_URL


def ui_command(store: str) -> str:
    """The command that serves the UI at `ui_url`; "" if it is running, or the store is a server."""
    if store.startswith("http") or find_running_ui(store):
        return ""
    if (Path(__file__).parents[3] / "Makefile").exists() and store == "sqlite:///mlflow.db":
        return "make ui"
    return f"mlflow server --backend-store-uri {quote_for_shell(hide_credentials(store, store))}"


def trace_page_url(store: str, experiment_id: str, trace_id: str = "") -> str:
    """The page of a trace; without an id, of all traces of an experiment."""
    selection = f"/traces?selectedEvaluationId={trace_id}" if trace_id else ""
    return f"{ui_url(store)}/#/experiments/{experiment_id}{selection}"


def issue_span_url(
    store: str, experiment_id: str, issue_id: str, trace_id: str, span_id: str
) -> str:
    """The page of an issue, with a span of one of its traces open; MLflow has it since 3.18."""
    trace = f"selectedEvaluationId={trace_id}&selectedIssueSpanId={quote_for_url(span_id, safe='')}"
    page = f"{ui_url(store)}/#/experiments/{experiment_id}/issues"
    return f"{page}?selectedIssueId={issue_id}&{trace}"


def session_page_url(store: str, experiment_id: str, session: str) -> str:
    name = quote_for_url(session, safe="")
    return f"{ui_url(store)}/#/experiments/{experiment_id}/chat-sessions/{name}"


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


def run_ui(port: int) -> None:
    """Write this process's id and port to the store's file, then replace it by MLflow's server."""
    store = tracking_uri()
    update_statistics(store)
    with suppress(FileNotWrittenError):  # links then lead to the default port
        write_atomically(_address_file(store), json.dumps({"pid": os.getpid(), "port": port}))
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    server = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BACKEND_STORE_URI": store,
        "PYTHONWARNINGS": ",".join(
            filter(None, [os.environ.get("PYTHONWARNINGS"), HIDDEN_WARNING])
        ),
    }
    arguments = ["server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    os.execve(mlflow, [mlflow, *arguments], {**os.environ, **server})


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
