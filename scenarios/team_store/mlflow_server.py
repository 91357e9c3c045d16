"""The MLflow server of a team's store: light, in the background, over a database."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from scenarios.team_store.store_folder import StoreFolder, TeamStoreError, is_locked, is_port_free

START_TIMEOUT_S = 90.0
"""How long it may take to answer; a new database takes it seconds, a busy machine many."""
STOP_TIMEOUT_S = 5.0
SERVER_ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True)
class MlflowServer:
    """An MLflow server whose state is in a folder that is made.

    One process that answers takes 530 MiB and serves eight that write as fast as two do, on two
    cores; each further one takes 300 MiB.
    """

    folder: StoreFolder
    workers: int = 1

    @property
    def is_running(self) -> bool:
        """Whether any process of it is there; the first holds a lock for as long as it lives."""
        return is_locked(self._pid_file) or self._has_orphaned_workers()

    @property
    def is_healthy(self) -> bool:
        return self.is_running and responds_ok(f"{self.url}/health")

    @property
    def url(self) -> str:
        """Where the one that runs, or ran last, is found."""
        return f"http://127.0.0.1:{self._pid_and_port()[1]}"

    @property
    def log_path(self) -> Path:
        return self.folder.path / "server.log"

    def require_free_port(self, port: int) -> None:
        """Raises `NotStarted` where something else has the port."""
        if not is_port_free(port):
            raise TeamStoreError(
                f"something listens on 127.0.0.1:{port} already: make store STORE_PORT=ANOTHER"
            )

    def start(self, database_uri: str, port: int) -> None:
        """Start it, and wait until it answers. Raises `NotStarted`."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", str(self.workers)]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--artifacts-destination", str((self.folder.path / "artifacts").resolve())]
        # Not as an argument, which every user of the machine can read: it holds the password.
        own = SERVER_ENVIRONMENT | {"MLFLOW_BACKEND_STORE_URI": database_uri}
        environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | own
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
        """End it, in peace if it can; whether it was there."""
        if not self.is_running:
            return False
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.send_signal(how)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while time.monotonic() < deadline:
                if not self.is_running:
                    return True
                time.sleep(0.1)
        raise TeamStoreError(f"process {self._pid_and_port()[0]}, the store's server, does not end")

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
        last = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])
        raise TeamStoreError(f"MLflow's server did not come up; {self.log_path} ends:\n{last}")

    def _has_orphaned_workers(self) -> bool:
        """Whether the first process was killed, and others of its group live on."""
        listing = ["ps", "-A", "-o", "pgid=,args="]
        if not self._pid_file.exists() or shutil.which(listing[0]) is None:
            return False
        groups = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        group = re.compile(rf"\s*{self._pid_and_port()[0]}\s.*\bpython", re.ASCII)
        return any(map(group.match, groups.splitlines()))

    def _pid_and_port(self) -> tuple[int, int]:
        """Its process, which leads its group, and its port."""
        pid, port = self._pid_file.read_text().split()
        return int(pid), int(port)

    @property
    def _pid_file(self) -> Path:
        return self.folder.path / "server.pid"


def responds_ok(url: str) -> bool:
    """Whether it says 200 there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
