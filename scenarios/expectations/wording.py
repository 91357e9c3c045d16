"""A sentence: what was seen in a trace, told to someone who expected something else."""

import json
import re
from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace


def attempt_spans(trace: Trace, agent: str) -> list[Span]:
    return [span for turn in trace.turns(agent) for span in turn if span.type == "ATTEMPT"]


def handoff_score(handoff: Span) -> float:
    return float(handoff.attributes["flight_recorder.handoff.efficiency_score"])


def describe_loss(handoff: Span) -> str:
    sent = handoff.attributes["flight_recorder.handoff.output_chars"]
    return f"of the {sent} characters sent, {handoff_score(handoff):.0%} arrived"


def describe_received(trace: Trace, receiver: str) -> str:
    """The handoffs that the receiver did get: the nearest thing to the one that is missing."""
    seen = [
        span.name
        for span in trace.spans_of_type("HANDOFF")
        if span.attributes["flight_recorder.handoff.to_agent"] == receiver
    ]
    return f"; {receiver} was handed: {', '.join(seen) or 'nothing'}"


def list_agents(trace: Trace) -> str:
    return ", ".join(trace.agents) or "none"


def root_attribute(trace: Trace, attribute: str) -> Any:
    """What the root says of itself."""
    return trace.root.attributes.get(attribute)


def error_suffix(span: Span) -> str:
    return f" ({shorten(span.status_message.splitlines()[0])})" if span.status_message else ""


def to_text(value: Any) -> str:
    """A value as text: JSON with sorted keys, so that a run and its recorded trace read alike."""
    if isinstance(value, str) or not value:
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def shorten(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}…"


def describe_nearest(pattern: str, text: str) -> str:
    """What a text has from where the pattern begins to be found in it; where less than half of the
    pattern is found anywhere, the text is told from its beginning."""
    for end in range(len(pattern) - 1, len(pattern) // 2, -1):
        try:
            found = re.search(pattern[:end], text)
        except re.error:
            continue  # it breaks off within a group or a set
        if found and found.group():
            return f"has {shorten(text[found.start() :])}"
    return f"is {shorten(text)}"


def pluralize(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
