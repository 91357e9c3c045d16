"""Run a real MLflow server, or a real PostgreSQL, on 127.0.0.1 for the duration of a test."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from scenarios.traces.team_store import PostgresServer, StoreFolder, TeamStoreError
from scenarios.traces.team_store.mlflow_server import SERVER_ENVIRONMENT, responds_ok
from scenarios.traces.team_store.postgres import find_free_port as find_free_port
from scenarios.traces.team_store.postgres import find_postgres_programs
from tests.support.forks.forking_python import forking_python

START_TIMEOUT_S = 40.0
START_ATTEMPTS = 2


class ServerNotReadyError(Exception):
    """A server did not start in time."""


@contextmanager
def mlflow_server(folder: Path, store: str) -> Generator[str]:
    """Run an MLflow server with one worker on a store; yield its address.

    On a busy machine it sometimes hangs at the start, so there is a second attempt. Raises
    `ServerNotReadyError`, with its log, if that fails, too.
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
    raise ServerNotReadyError(f"no MLflow server at {url}; its log:\n{log.read_text()}")


def _start_server(folder: Path, store: str, port: int, log: Path) -> "subprocess.Popen[bytes]":
    command = [forking_python(), "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", store]
    command += ["--default-artifact-root", str(folder / "artifacts")]
    with log.open("w") as output:
        return subprocess.Popen(
            command,
            env=os.environ | SERVER_ENVIRONMENT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def is_postgres_installed() -> bool:
    """Return whether PostgreSQL is installed."""
    try:
        find_postgres_programs()
    except TeamStoreError:
        return False
    return True


@contextmanager
def postgres_database() -> Generator[str]:
    """Run a new PostgreSQL server; yield the URI of its empty database, with the password."""
    folder = Path(tempfile.mkdtemp(prefix="flight-postgres-"))
    folder.chmod(0o711)  # so that PostgreSQL's user can enter
    database = PostgresServer(StoreFolder(folder / "store").create())
    try:
        database.start()
        yield database.uri
    finally:
        database.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_up(url: str) -> bool:
    """Return whether the server answers within `START_TIMEOUT_S`."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if responds_ok(url):
            return True
        time.sleep(0.2)
    return False
