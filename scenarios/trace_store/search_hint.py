"""A hint: what may have been meant by who searched, and found nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

MAX_TRACES = 50
"""How many of the newest traces are looked at for other names."""
MAX_NAMES = 5


@dataclass(frozen=True)
class NameKind:
    """What has a name that can be searched for: which traces hold some, and their names there."""

    noun: str
    filter: str
    names: Callable[[Any], Iterable[str]]


def _names_of_type(type: str) -> Callable[[Any], Iterable[str]]:
    return lambda trace: (span.name for span in trace.data.spans if span.span_type == type)


NAME_KINDS: Mapping[str, NameKind] = {
    "agent": NameKind("agents", "span.type = 'AGENT'", _names_of_type("AGENT")),
    "tool": NameKind("tools", "span.type = 'TOOL'", _names_of_type("TOOL")),
    "workflow": NameKind(
        "workflows", "", lambda trace: [trace.info.tags.get("mlflow.traceName", "")]
    ),
}
"""By the saved queries that take such a name."""


def suggest(
    query: str, term: str, find_newest: Callable[[str, int], Iterable[Any]], since_filter: str
) -> str:
    """A sentence, or nothing where none helps. `newest` gives traces that pass a filter, as many
    as asked for, with their spans; `began` is the filter of the time that was looked at."""
    if not any(True for _ in find_newest(since_filter, 1)):
        return _describe_newest_trace(find_newest)
    if (kind := NAME_KINDS.get(query)) is None:
        return ""
    found = find_newest(" AND ".join(filter(None, (kind.filter, since_filter))), MAX_TRACES)
    names = sorted({name for trace in found for name in kind.names(trace) if name})
    if near := get_close_matches(term, names, n=1):
        return f"did you mean {near[0]}?"
    more = " …" if len(names) > MAX_NAMES else ""
    return f"{kind.noun} there: {', '.join(names[:MAX_NAMES])}{more}" if names else ""


def _describe_newest_trace(find_newest: Callable[[str, int], Iterable[Any]]) -> str:
    for trace in find_newest("", 1):
        began = datetime.fromtimestamp(trace.info.timestamp_ms / 1000, UTC)
        return f"nor any other; the newest began at {began.isoformat(timespec='seconds')}: --since"
    return "nor any other; the store, or the experiment, is empty"
