"""The limits of a sandbox, and which of them ended an execution."""

import re
import signal
from dataclasses import asdict, dataclass
from typing import Any

LIMIT_PREFIX = "flight_recorder.sandbox.limit."
LAST_LINES = 3
"""In which lines of the output an error names the resource that was refused."""
REFUSALS = {
    "memory_bytes": re.compile(r"MemoryError|Cannot allocate memory|bad_alloc|out of memory", re.I),
    "file_bytes": re.compile(r"File too large|File size limit exceeded", re.I),
    "processes": re.compile(
        r"Resource temporarily unavailable|can't start new thread|Cannot fork", re.I
    ),
}
"""What programs print when the system refuses them a resource."""

SENTENCES = {
    "wall_s": "it was still running after {:g} s",
    "cpu_s": "it used more than {} s of processor time",
    "memory_bytes": "it needed more than {} bytes of memory",
    "processes": "it started more than {} processes",
    "file_bytes": "it wrote a file of more than {} bytes",
    "output_bytes": "it printed more than {} bytes",
}
"""What the model is told of each limit."""


@dataclass(frozen=True)
class Limits:
    """What an execution may use. None of a time is no limit: such code may run for ever.

    Attributes:
        wall_s: Seconds until the code is stopped.
        cpu_s: Seconds of processor time of one process.
        memory_bytes: Address space of one process; also the size of `/tmp`.
        processes: Processes and threads at the same time.
        file_bytes: The size of one file.
        output_bytes: The output that is read; code that prints more is stopped.
    """

    wall_s: float | None = 20.0
    cpu_s: int | None = 10
    memory_bytes: int = 512 * 1024**2
    processes: int = 32
    file_bytes: int = 64 * 1024**2
    output_bytes: int = 64 * 1024

    def attributes(self) -> dict[str, Any]:
        """The limits as attributes of a span; a missing limit has none."""
        return {LIMIT_PREFIX + name: n for name, n in asdict(self).items() if n is not None}

    def describe(self, name: str) -> str:
        """Say which limit stopped the code, in a sentence for the model."""
        return f"The sandbox stopped the code: {SENTENCES[name].format(getattr(self, name))}."

    def find_reached(self, exit_code: int, killed_by: int, cpu_s: float, output: str) -> str | None:
        """Name the limit that made a process end, other than those of time and output; None if it
        ended by itself. A refused resource is an ordinary error, so its text tells."""
        if killed_by == signal.SIGXCPU:
            return "cpu_s"
        if killed_by == signal.SIGKILL and self.cpu_s is not None and cpu_s >= self.cpu_s:
            return "cpu_s"  # it ignored the first signal
        if killed_by == signal.SIGXFSZ:
            return "file_bytes"
        last_lines = "\n".join(output.strip().splitlines()[-LAST_LINES:])
        refused = (name for name, words in REFUSALS.items() if words.search(last_lines))
        return next(refused, None) if exit_code else None
