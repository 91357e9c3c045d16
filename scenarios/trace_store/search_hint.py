"""A hint: what may have been meant by who searched, and found nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

LOOKED_AT = 50
"""How many of the newest traces are looked at for other names."""
SHOWN = 5


@dataclass(frozen=True)
class Kind:
    """What has a name that can be searched for: which traces hold some, and their names there."""

    noun: str
    filter: str
    names: Callable[[Any], Iterable[str]]


def _of_type(type: str) -> Callable[[Any], Iterable[str]]:
    return lambda trace: (span.name for span in trace.data.spans if span.span_type == type)


KINDS: Mapping[str, Kind] = {
    "agent": Kind("agents", "span.type = 'AGENT'", _of_type("AGENT")),
    "tool": Kind("tools", "span.type = 'TOOL'", _of_type("TOOL")),
    "workflow": Kind("workflows", "", lambda trace: [trace.info.tags.get("mlflow.traceName", "")]),
}
"""By the saved queries that take such a name."""


def hint(query: str, said: str, newest: Callable[[str, int], Iterable[Any]], began: str) -> str:
    """A sentence, or nothing where none helps. `newest` gives traces that pass a filter, as many
    as asked for, with their spans; `began` is the filter of the time that was looked at."""
    if not any(True for _ in newest(began, 1)):
        return _earlier(newest)
    if (kind := KINDS.get(query)) is None:
        return ""
    found = newest(" AND ".join(filter(None, (kind.filter, began))), LOOKED_AT)
    names = sorted({name for trace in found for name in kind.names(trace) if name})
    if near := get_close_matches(said, names, n=1):
        return f"did you mean {near[0]}?"
    more = " …" if len(names) > SHOWN else ""
    return f"{kind.noun} there: {', '.join(names[:SHOWN])}{more}" if names else ""


def _earlier(newest: Callable[[str, int], Iterable[Any]]) -> str:
    for trace in newest("", 1):
        began = datetime.fromtimestamp(trace.info.timestamp_ms / 1000, UTC)
        return f"nor any other; the newest began at {began.isoformat(timespec='seconds')}: --since"
    return "nor any other; the store, or the experiment, is empty"
