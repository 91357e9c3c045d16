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

HOUSE = Path(__file__).parent.parent.parent
QUIET = {
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
LAST_WORDS = 2000
"""How much of what a child said on stderr is kept, in characters."""


class Died(Exception):
    """Raised when a child ends, or says nothing for too long; its last words are the text."""


@dataclass
class Child:
    """A process that has its instrumentor on and waits for jobs."""

    process: subprocess.Popen[str]
    errors: Path
    said: Queue[str | None] = field(default_factory=Queue)

    def asked(self, job: Mapping[str, Any], patience_s: float) -> dict[str, Any]:
        """What became of a job. Raises `Died`."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except OSError:  # it has ended; why, its last words say
            raise Died(self.last_words("it had ended")) from None
        return self.heard(patience_s)

    def heard(self, patience_s: float) -> dict[str, Any]:
        """The next thing that it says. Raises `Died`."""
        try:
            line = self.said.get(timeout=patience_s)
        except Empty:
            self.process.kill()
            raise Died(self.last_words(f"nothing was heard of it in {patience_s:.0f} s")) from None
        if line is None:
            raise Died(self.last_words(f"it ended with exit code {self.process.wait()}"))
        heard: dict[str, Any] = json.loads(line)
        return heard

    def last_words(self, why: str) -> str:
        """Why it is given up, and the end of what it wrote to stderr."""
        words = self.errors.read_text("utf-8", errors="replace")[-LAST_WORDS:].strip()
        return f"{why}\n{words}" if words else why


@contextmanager
def child(
    python: Path, instrumentor: str, framework: str, store: str, scratch: Path
) -> Generator[Child]:
    """Start one, with nothing of the caller's environment that names a key, and end it."""
    errors = scratch / "stderr"
    program = [str(python), "-m", "integrations.programs", instrumentor, framework, store]
    with errors.open("w") as told:
        process = subprocess.Popen(
            program,
            cwd=HOUSE,
            env=_environment(scratch),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            start_new_session=True,  # Ctrl-C is for this program, which ends its children
        )
    one = Child(process, errors)
    Thread(target=_listen, args=(process, one.said), daemon=True).start()
    try:
        yield one
    finally:
        assert process.stdin is not None
        process.kill()
        process.wait()
        process.stdin.close()


def _environment(scratch: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"CREWAI_STORAGE_DIR": str(scratch), "PYTHONPATH": str(HOUSE)}
    return kept | QUIET | own


def _listen(process: "subprocess.Popen[str]", said: "Queue[str | None]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        said.put(line)
    said.put(None)


def here() -> Path:
    """The Python that runs this: that of the locked environment."""
    return Path(sys.executable)
