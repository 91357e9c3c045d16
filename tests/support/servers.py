"""Services: a real MLflow server and a real PostgreSQL, on 127.0.0.1, while a test lasts."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from scenarios.team_store import PostgresServer, StoreFolder, TeamStoreError
from scenarios.team_store.mlflow_server import SERVER_ENVIRONMENT, responds_ok
from scenarios.team_store.postgres import find_free_port as find_free_port
from scenarios.team_store.postgres import find_postgres_programs

START_TIMEOUT_S = 40.0
START_ATTEMPTS = 2


class ServerNotReadyError(Exception):
    """Raised when a service does not answer in time."""


@contextmanager
def mlflow_server(folder: Path, store: str) -> Generator[str]:
    """MLflow's server and UI over a store, as small as it gets; yields its address.

    Raises `NotUp`, with what it said, when it does not come up. On a busy machine it sometimes
    hangs as it starts, so there is a second try.
    """
    log = folder / "server.log"
    for _ in range(START_ATTEMPTS):
        port = find_free_port()
        url = f"http://127.0.0.1:{port}"
        server = _start_server(folder, store, port, log)
        try:
            if _wait_until_up(f"{url}/health"):
                yield url
                return
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    raise ServerNotReadyError(
        f"MLflow's server did not answer at {url}; it said:\n{log.read_text()}"
    )


def _start_server(folder: Path, store: str, port: int, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", store]
    command += ["--default-artifact-root", str(folder / "artifacts")]
    with log.open("w") as said:
        return subprocess.Popen(
            command,
            env=os.environ | SERVER_ENVIRONMENT,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def is_postgres_installed() -> bool:
    """Whether PostgreSQL is installed."""
    try:
        find_postgres_programs()
    except TeamStoreError:
        return False
    return True


@contextmanager
def postgres_database() -> Generator[str]:
    """A PostgreSQL of its own, empty; yields the URI of its database, with the password."""
    folder = Path(tempfile.mkdtemp(prefix="flight-postgres-"))
    folder.chmod(0o711)  # where PostgreSQL's own user can enter
    database = PostgresServer(StoreFolder(folder / "store").create())
    try:
        database.start()
        yield database.uri
    finally:
        database.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_up(url: str) -> bool:
    """Whether it answers before PATIENCE_S is over."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if responds_ok(url):
            return True
        time.sleep(0.2)
    return False
