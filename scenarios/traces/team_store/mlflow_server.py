"""Run the MLflow server of the shared trace store in the background."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

import httpx

from scenarios.traces.team_store.store_folder import (
    StoreFolder,
    TeamStoreError,
    is_locked,
    is_port_free,
)

START_TIMEOUT_S = 90.0
"""How long it may take to start: it creates tables in a new database, maybe on a busy machine."""
STOP_TIMEOUT_S = 5.0
SERVER_ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True)
class MlflowServer:
    """An MLflow server whose state is in an existing store folder.

    One worker uses 530 MiB; on two cores, it serves eight writing processes as fast as two workers
    do. Each further worker uses 300 MiB.
    """

    folder: StoreFolder
    workers: int = 1

    @property
    def is_running(self) -> bool:
        """Whether any of its processes is running; the first one holds a lock while it runs."""
        return is_locked(self._pid_file) or self._has_orphaned_workers()

    @property
    def is_healthy(self) -> bool:
        """Whether it is running and answers."""
        return self.is_running and responds_ok(f"{self.url}/health")

    @property
    def url(self) -> str:
        """Its address, while it is running and afterwards."""
        return f"http://127.0.0.1:{self._pid_and_port()[1]}"

    @property
    def log_path(self) -> Path:
        return self.folder.path / "server.log"

    def require_free_port(self, port: int) -> None:
        """Raise `TeamStoreError` if the port is in use."""
        if not is_port_free(port):
            raise TeamStoreError(
                f"port {port} of 127.0.0.1 is in use: choose another, make store STORE_PORT=…"
            )

    def start(self, database_uri: str, port: int) -> None:
        """Start it and wait until it answers. Raises `TeamStoreError`."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", str(self.workers)]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--artifacts-destination", str((self.folder.path / "artifacts").resolve())]
        environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
        # The URI has the password, and every user of the machine can read command-line arguments.
        environment |= SERVER_ENVIRONMENT | {"MLFLOW_BACKEND_STORE_URI": database_uri}
        self.log_path.touch(mode=0o600)
        with self._pid_file.open("w") as lock, self.log_path.open("a") as log:
            flock(lock, LOCK_EX)
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
            lock.write(f"{process.pid} {port}")
        self._wait_until_healthy(process)

    def stop(self) -> bool:
        """Stop it, by force after `STOP_TIMEOUT_S`; return False if it was not running.

        Raises:
            TeamStoreError: It does not end.
        """
        if not self.is_running:
            return False
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            self.send_signal(signal_number)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while time.monotonic() < deadline:
                if not self.is_running:
                    return True
                time.sleep(0.1)
        raise TeamStoreError(f"the store's server, process {self._pid_and_port()[0]}, does not end")

    def send_signal(self, signal_number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._pid_and_port()[0], signal_number)

    def _wait_until_healthy(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            if self.is_healthy:
                return
            time.sleep(0.1)
        self.stop()
        log_end = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])
        raise TeamStoreError(
            f"the MLflow server did not start; {self.log_path} ends with:\n{log_end}"
        )

    def _has_orphaned_workers(self) -> bool:
        """Return whether the first process was killed, but others of its group still run."""
        listing = ["ps", "-A", "-o", "pgid=,args="]
        if not self._pid_file.exists() or shutil.which(listing[0]) is None:
            return False
        groups = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        group = re.compile(rf"\s*{self._pid_and_port()[0]}\s.*\bpython", re.ASCII)
        return any(map(group.match, groups.splitlines()))

    def _pid_and_port(self) -> tuple[int, int]:
        """Return the id of its first process, which is also the group's, and its port."""
        pid, port = self._pid_file.read_text().split()
        return int(pid), int(port)

    @property
    def _pid_file(self) -> Path:
        return self.folder.path / "server.pid"


def responds_ok(url: str) -> bool:
    """Return whether a GET request gets status 200."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
