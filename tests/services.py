"""Services: a real MLflow server and a real PostgreSQL, on 127.0.0.1, while a test lasts."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 40.0
TRIES = 2
POSTGRES_USER = "postgres"


class NotUp(Exception):
    """Raised when a service does not answer in time."""


@contextmanager
def mlflow_server(folder: Path, store: str) -> Generator[str]:
    """MLflow's server and UI over a store, as small as it gets; yields its address.

    Raises `NotUp`, with what it said, when it does not come up. On a busy machine it sometimes
    hangs as it starts, so there is a second try.
    """
    log = folder / "server.log"
    for _ in range(TRIES):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        server = _started(folder, store, port, log)
        try:
            if _comes_up(f"{url}/health"):
                yield url
                return
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    raise NotUp(f"MLflow's server did not answer at {url}; it said:\n{log.read_text()}")


def _started(folder: Path, store: str, port: int, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", store]
    command += ["--default-artifact-root", str(folder / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with log.open("w") as said:
        return subprocess.Popen(
            command, env=os.environ | quiet, stdout=said, stderr=said, start_new_session=True
        )


def postgres_bin() -> Path | None:
    """Where PostgreSQL's server is installed; Debian keeps it off the PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgres() -> Generator[str]:
    """A PostgreSQL of its own, empty and without a password; yields the URI of its database."""
    programs, port = postgres_bin(), free_port()
    assert programs is not None
    folder = tempfile.mkdtemp(prefix="flight-postgres-")
    # PostgreSQL refuses to run as root.
    user = POSTGRES_USER if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories="

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=folder, user=user)

    initdb, control = str(programs / "initdb"), str(programs / "pg_ctl")
    try:
        run(initdb, "-D", f"{folder}/data", "-A", "trust", "-U", POSTGRES_USER)
        run(control, "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-o", options, "start")
        try:
            yield f"postgresql://{POSTGRES_USER}@127.0.0.1:{port}/postgres"
        finally:
            run(control, "-D", f"{folder}/data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on, and that the system gives to nobody unasked."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise NotUp("a hundred ports were tried, and none is free")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _comes_up(url: str) -> bool:
    """Whether it answers before PATIENCE_S is over."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if _answers(url):
            return True
        time.sleep(0.2)
    return False
