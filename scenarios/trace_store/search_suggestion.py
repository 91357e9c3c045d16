"""Suggest a name, or a longer time window, for a search that found nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

MAX_TRACES = 50
"""How many of the newest traces are read for names."""
MAX_NAMES = 5

FindNewest = Callable[[str, int], Iterable[Any]]
"""Returns up to so many of the newest traces that match a filter, with their spans."""


@dataclass(frozen=True)
class NameKind:
    """A kind of name to search for: which traces have such names, and how to read them."""

    noun: str
    filter: str
    read_names: Callable[[Any], Iterable[str]]


def _names_of_type(span_type: str) -> Callable[[Any], Iterable[str]]:
    return lambda trace: (span.name for span in trace.data.spans if span.span_type == span_type)


NAME_KINDS: Mapping[str, NameKind] = {
    "agent": NameKind("agents", "span.type = 'AGENT'", _names_of_type("AGENT")),
    "tool": NameKind("tools", "span.type = 'TOOL'", _names_of_type("TOOL")),
    "workflow": NameKind(
        "workflows", "", lambda trace: [trace.info.tags.get("mlflow.traceName", "")]
    ),
}
"""By the name of the saved query."""


def suggest(query: str, value: str, find_newest: FindNewest, since_filter: str) -> str:
    """A sentence that helps to search again; empty if nothing helps.

    Args:
        query: The name of the saved query.
        value: The value that was searched for.
        find_newest: Finds traces in the searched experiments.
        since_filter: The filter of the searched time window.
    """
    if not any(True for _ in find_newest(since_filter, 1)):
        return _describe_newest_trace(find_newest)
    if (kind := NAME_KINDS.get(query)) is None:
        return ""
    traces = find_newest(" AND ".join(filter(None, (kind.filter, since_filter))), MAX_TRACES)
    names = sorted({name for trace in traces for name in kind.read_names(trace) if name})
    if near := get_close_matches(value, names, n=1):
        return f"did you mean {near[0]}?"
    more = " …" if len(names) > MAX_NAMES else ""
    return f"{kind.noun} found: {', '.join(names[:MAX_NAMES])}{more}" if names else ""


def _describe_newest_trace(find_newest: FindNewest) -> str:
    for trace in find_newest("", 1):
        start = datetime.fromtimestamp(trace.info.timestamp_ms / 1000, UTC)
        return (
            f"the window has no trace at all; the newest one started at"
            f" {start.isoformat(timespec='seconds')}: use an earlier --since"
        )
    return "the store, or the experiment, has no trace at all"
