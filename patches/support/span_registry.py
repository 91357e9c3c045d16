"""The open spans of this process: end them as tracing ends, or wait for work in the background."""

import os
import time
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from patches.support.open_span import OpenSpan

Key = tuple[int, int]
_OPEN: WeakValueDictionary[Key, "OpenSpan"] = WeakValueDictionary()
"""By process and id: a forked process leaves those of its parent alone."""


def add(span: "OpenSpan") -> Key:
    """Add a span; return its key."""
    key = (os.getpid(), id(span))
    _OPEN[key] = span
    return key


def remove(key: Key) -> bool:
    """Remove a span; return whether it was open. In threads, that is true for one of them."""
    return _OPEN.pop(key, None) is not None


def is_open(key: Key) -> bool:
    return key in _OPEN


def end_all() -> None:
    """End all spans that are open as tracing ends, innermost first."""
    for span in sorted(_open_spans(), key=lambda span: -span.depth):
        span.end_unfinished()


def wait_for_late_children(timeout_s: float) -> None:
    """Wait until no span that has ended is kept open by a child that outlasts it."""
    deadline_s = time.monotonic() + timeout_s
    while any(span.awaits_children for span in _open_spans()) and time.monotonic() < deadline_s:
        time.sleep(0.01)


def _open_spans() -> list["OpenSpan"]:
    spans = [(ref.key[0], span) for ref in _OPEN.valuerefs() if (span := ref()) is not None]
    return [span for process, span in spans if process == os.getpid()]
