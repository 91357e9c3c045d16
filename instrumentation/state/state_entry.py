"""An entry: one version of a value in a shared state, with its author and its ground."""

from dataclasses import dataclass
from typing import Any


class StaleWriteError(Exception):
    """Raised by a write that expected another version than there is; nothing was written."""


class UnknownKeyError(KeyError):
    """Raised by a read of a key that nobody has written."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class StateEntry:
    """One version of a value, counted from 1 for each key.

    `span_id` is the span that wrote it; `grounded_by` the tool whose result holds it, None for a
    guess, and `source_span_id` the span of that tool's call. Ids are None where nothing recorded.
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
