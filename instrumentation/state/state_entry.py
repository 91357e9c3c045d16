"""One version of a value in the shared state, and the errors of reads and writes."""

from dataclasses import dataclass
from typing import Any


class StaleWriteError(Exception):
    """A write expected another version than the current one; nothing was written."""


class UnknownKeyError(KeyError):
    """A read of a key that was never written."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class StateEntry:
    """One version of the value of a key.

    Attributes:
        version: Counted from 1 for each key.
        span_id: The span of the write; None if it was not recorded.
        grounded_by: The tool whose result contains the value; None for a guess.
        written_ns: Nanoseconds since the epoch.
        source_span_id: The span of that tool's call; None if it was not recorded.
    """

    key: str
    value: Any
    author: str
    version: int
    span_id: str | None
    grounded_by: str | None
    written_ns: int
    source_span_id: str | None = None

    @property
    def is_grounded(self) -> bool:
        return self.grounded_by is not None
