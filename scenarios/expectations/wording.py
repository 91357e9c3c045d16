"""Word the sentence of a failed expectation: quotes, lists of names, verbs that agree."""

import json
import re
from collections.abc import Sequence
from typing import Any

from instrumentation.trace import Span, Trace

MAX_CHARS = 160
"""How much of a text a sentence quotes."""


def root_attribute(trace: Trace, name: str) -> Any:
    """An attribute of the root span; None if the root lacks it."""
    return trace.root.attributes.get(name)


def list_agents(trace: Trace) -> str:
    """The names of all agents that took a turn, as "a, b"; "none" without any."""
    return ", ".join(trace.agents) or "none"


def list_names(trace: Trace, span_type: str) -> str:
    """The names of all spans of a type, as "a, b"; "none" without any."""
    return ", ".join(span.name for span in trace.spans_of_type(span_type)) or "none"


def error_suffix(span: Span) -> str:
    """The first line of a span's status message as " (message)"; empty without a message."""
    return f" ({shorten(span.status_message.splitlines()[0])})" if span.status_message else ""


def to_text(value: Any) -> str:
    """A value as text. JSON has sorted keys: a new run and its recorded trace read alike."""
    if isinstance(value, str) or not value:
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def shorten(text: str) -> str:
    """The text, cut to `MAX_CHARS` characters with an ellipsis."""
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 3]}…"


def how_often(times: int) -> str:
    """A number of times: "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(times, f"{times} times")


def join_names(names: Sequence[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def subject(agents: Sequence[str], verb: str) -> str:
    """Agents with a verb that agrees: "a keeps", "a and b keep"."""
    return f"{join_names(agents)} {verb}{'s' if len(agents) == 1 else ''}"


def describe_nearest(pattern: str, text: str) -> str:
    """Describe the place in a text that comes closest to a regular expression.

    Looks for ever shorter beginnings of the pattern. If less than half of it is found, the text is
    quoted from its start.
    """
    for end in range(len(pattern) - 1, len(pattern) // 2, -1):
        try:
            found = re.search(pattern[:end], text)
        except re.error:
            continue  # the cut is inside a group or a set
        if found and found.group():
            return f"has {shorten(text[found.start() :])}"
    return f"is {shorten(text)}"
