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

from scenarios.team_store.store_folder import Folder, NotStarted, held, is_free

PATIENCE_S = 90.0
"""How long it may take to answer; a new database takes it seconds, a busy machine many."""
GRACE_S = 5.0
LIGHT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


@dataclass(frozen=True)
class Server:
    """An MLflow server whose state is in a folder that is made.

    One process that answers takes 530 MiB and serves eight that write as fast as two do, on two
    cores; each further one takes 300 MiB.
    """

    folder: Folder
    workers: int = 1

    @property
    def runs(self) -> bool:
        """Whether any process of it is there; the first holds a lock for as long as it lives."""
        return held(self._pid) or self._is_left()

    @property
    def answers(self) -> bool:
        return self.runs and answers(f"{self.url}/health")

    @property
    def url(self) -> str:
        """Where the one that runs, or ran last, is found."""
        return f"http://127.0.0.1:{self._said()[1]}"

    @property
    def log(self) -> Path:
        return self.folder.path / "server.log"

    def can_listen(self, port: int) -> None:
        """Raises `NotStarted` where something else has the port."""
        if not is_free(port):
            raise NotStarted(
                f"something listens on 127.0.0.1:{port} already: make store STORE_PORT=ANOTHER"
            )

    def start(self, database: str, port: int) -> None:
        """Start it, and wait until it answers. Raises `NotStarted`."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", str(self.workers)]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--artifacts-destination", str((self.folder.path / "artifacts").resolve())]
        # Not as an argument, which every user of the machine can read: it holds the password.
        own = LIGHT | {"MLFLOW_BACKEND_STORE_URI": database}
        environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | own
        self.log.touch(mode=0o600)
        with self._pid.open("w") as lock, self.log.open("a") as log:
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
        self._answers(process)

    def stop(self) -> bool:
        """End it, in peace if it can; whether it was there."""
        if not self.runs:
            return False
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.kill(how)
            deadline = time.monotonic() + GRACE_S
            while time.monotonic() < deadline:
                if not self.runs:
                    return True
                time.sleep(0.1)
        raise NotStarted(f"process {self._said()[0]}, the store's server, does not end")

    def kill(self, how: signal.Signals) -> None:
        """Send a signal to all its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._said()[0], how)

    def _answers(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and process.poll() is None:
            if self.answers:
                return
            time.sleep(0.1)
        self.stop()
        last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        raise NotStarted(f"MLflow's server did not come up; {self.log} ends:\n{last}")

    def _is_left(self) -> bool:
        """Whether the first process was killed, and others of its group live on."""
        listing = ["ps", "-A", "-o", "pgid=,args="]
        if not self._pid.exists() or shutil.which(listing[0]) is None:
            return False
        groups = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        group = re.compile(rf"\s*{self._said()[0]}\s.*\bpython", re.ASCII)
        return any(map(group.match, groups.splitlines()))

    def _said(self) -> tuple[int, int]:
        """Its process, which leads its group, and its port."""
        pid, port = self._pid.read_text().split()
        return int(pid), int(port)

    @property
    def _pid(self) -> Path:
        return self.folder.path / "server.pid"


def answers(url: str) -> bool:
    """Whether it says 200 there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
