"""The child process that runs cases in another environment, and the parent's side of its protocol.

Messages are JSON, one per line; `integrations.programs` describes them.
"""

import json
import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

PROJECT_FOLDER = Path(__file__).parent.parent.parent
CHILD_ENVIRONMENT = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    # One writer, so that SQLite is never locked, and queues that a burst cannot fill: spans that
    # are missing are then missing because of the instrumentor.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS": "1",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE": "100000",
    "PYTHONUNBUFFERED": "1",
}
MAX_STDERR_CHARS = 2000
"""How much of the end of a child's stderr an error message quotes."""


class CaseProcessError(Exception):
    """The child process ended, or did not answer in time. The text quotes the end of its stderr."""


@dataclass
class CaseProcess:
    """A child process with its instrumentor enabled, which waits for jobs."""

    process: subprocess.Popen[str]
    stderr_file: Path
    output_lines: Queue[str | None] = field(default_factory=Queue)

    def run_job(self, job: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a job and return its result. Raises `CaseProcessError`."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except OSError:  # the process has ended; its stderr says why
            raise CaseProcessError(self.failure_message("the process had ended")) from None
        return self.read_message(timeout_s)

    def read_message(self, timeout_s: float) -> dict[str, Any]:
        """Return the next message of the process. Raises `CaseProcessError`."""
        try:
            line = self.output_lines.get(timeout=timeout_s)
        except Empty:
            self.process.kill()
            reason = f"the process did not answer within {timeout_s:.0f} s"
            raise CaseProcessError(self.failure_message(reason)) from None
        if line is None:
            reason = f"the process ended with exit code {self.process.wait()}"
            raise CaseProcessError(self.failure_message(reason))
        message: dict[str, Any] = json.loads(line)
        return message

    def failure_message(self, reason: str) -> str:
        """Return the reason and the end of the process's stderr."""
        text = self.stderr_file.read_text("utf-8", errors="replace")
        stderr_tail = text[-MAX_STDERR_CHARS:].strip()
        return f"{reason}\n{stderr_tail}" if stderr_tail else reason


@contextmanager
def start_case_process(
    python: Path, instrumentor: str, framework: str, tracking_uri: str, scratch: Path
) -> Generator[CaseProcess]:
    """Start a child process, and kill it on exit.

    Of the caller's environment variables it gets only those that name no key.

    Args:
        python: The interpreter of the environment under test.
        instrumentor: The name of the instrumentor to enable.
        framework: The framework whose cases are run.
        tracking_uri: An MLflow store of its own.
        scratch: A temporary folder for its files.
    """
    stderr_file = scratch / "stderr"
    command = [
        *(str(python), "-m", "integrations.programs"),
        *(instrumentor, framework, tracking_uri),
    ]
    with stderr_file.open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=PROJECT_FOLDER,
            env=_process_environment(scratch),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the parent only, which kills its children
        )
    case_process = CaseProcess(process, stderr_file)
    reader = Thread(target=_queue_output, args=(process, case_process.output_lines), daemon=True)
    reader.start()
    try:
        yield case_process
    finally:
        assert process.stdin is not None
        process.kill()
        process.wait()
        process.stdin.close()


def _process_environment(scratch: Path) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"CREWAI_STORAGE_DIR": str(scratch), "PYTHONPATH": str(PROJECT_FOLDER)}
    return inherited | CHILD_ENVIRONMENT | own


def _queue_output(process: "subprocess.Popen[str]", output_lines: "Queue[str | None]") -> None:
    """Move lines from stdout to the queue; None marks the end."""
    assert process.stdout is not None
    for line in process.stdout:
        output_lines.put(line)
    output_lines.put(None)
