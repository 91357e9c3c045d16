"""A child: the process in which a cell's own Python plays cases, and the parent's end of it."""

import json
import os
import subprocess
import sys
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
    # One transaction at a time, and queues that a burst does not fill, so that what an instrumentor
    # loses is its own doing.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS": "1",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE": "100000",
    "PYTHONUNBUFFERED": "1",
}
MAX_STDERR_CHARS = 2000
"""How much of what a child said on stderr is kept, in characters."""


class CaseProcessError(Exception):
    """Raised when a child ends, or says nothing for too long; its last words are the text."""


@dataclass
class CaseProcess:
    """A process that has its instrumentor on and waits for jobs."""

    process: subprocess.Popen[str]
    stderr_file: Path
    output_lines: Queue[str | None] = field(default_factory=Queue)

    def run_job(self, job: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """What became of a job. Raises `Died`."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except OSError:  # it has ended; why, its last words say
            raise CaseProcessError(self.failure_message("it had ended")) from None
        return self.read_message(timeout_s)

    def read_message(self, timeout_s: float) -> dict[str, Any]:
        """The next thing that it says. Raises `Died`."""
        try:
            line = self.output_lines.get(timeout=timeout_s)
        except Empty:
            self.process.kill()
            raise CaseProcessError(
                self.failure_message(f"nothing was heard of it in {timeout_s:.0f} s")
            ) from None
        if line is None:
            raise CaseProcessError(
                self.failure_message(f"it ended with exit code {self.process.wait()}")
            )
        message: dict[str, Any] = json.loads(line)
        return message

    def failure_message(self, reason: str) -> str:
        """Why it is given up, and the end of what it wrote to stderr."""
        stderr_tail = self.stderr_file.read_text("utf-8", errors="replace")[
            -MAX_STDERR_CHARS:
        ].strip()
        return f"{reason}\n{stderr_tail}" if stderr_tail else reason


@contextmanager
def start_case_process(
    python: Path, instrumentor: str, framework: str, tracking_uri: str, scratch: Path
) -> Generator[CaseProcess]:
    """Start one, with nothing of the caller's environment that names a key, and end it."""
    errors = scratch / "stderr"
    program = [str(python), "-m", "integrations.programs", instrumentor, framework, tracking_uri]
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            program,
            cwd=PROJECT_FOLDER,
            env=_process_environment(scratch),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,  # Ctrl-C is for this program, which ends its children
        )
    case_process = CaseProcess(process, errors)
    Thread(target=_queue_output, args=(process, case_process.output_lines), daemon=True).start()
    try:
        yield case_process
    finally:
        assert process.stdin is not None
        process.kill()
        process.wait()
        process.stdin.close()


def _process_environment(scratch: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"CREWAI_STORAGE_DIR": str(scratch), "PYTHONPATH": str(PROJECT_FOLDER)}
    return kept | CHILD_ENVIRONMENT | own


def _queue_output(process: "subprocess.Popen[str]", output_lines: "Queue[str | None]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        output_lines.put(line)
    output_lines.put(None)


def current_python() -> Path:
    """The Python that runs this: that of the locked environment."""
    return Path(sys.executable)
