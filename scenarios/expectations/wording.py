"""A sentence: what was seen in a trace, told to someone who expected something else."""

import json
import re
from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace


def attempts(trace: Trace, agent: str) -> list[Span]:
    return [span for turn in trace.turns(agent) for span in turn if span.type == "ATTEMPT"]


def score(handoff: Span) -> float:
    return float(handoff.attributes["handoff.efficiency_score"])


def how_little(handoff: Span) -> str:
    sent = handoff.attributes["handoff.output_chars"]
    return f"of the {sent} characters sent, {score(handoff):.0%} arrived"


def instead(trace: Trace, receiver: str) -> str:
    """The handoffs that the receiver did get: the nearest thing to the one that is missing."""
    seen = [
        span.name
        for span in trace.of_type("HANDOFF")
        if span.attributes["handoff.to_agent"] == receiver
    ]
    return f"; {receiver} was handed: {', '.join(seen) or 'nothing'}"


def agents(trace: Trace) -> str:
    return ", ".join(trace.agents) or "none"


def measured(trace: Trace, attribute: str) -> Any:
    """What the root says of itself."""
    return trace.root.attributes.get(attribute)


def because(span: Span) -> str:
    return f" ({short(span.says.splitlines()[0])})" if span.says else ""


def text(value: Any) -> str:
    """A value as text: JSON with sorted keys, so that a run and its recorded trace read alike."""
    if isinstance(value, str) or not value:
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}…"


def nearest(pattern: str, text: str) -> str:
    """What a text has from where the pattern begins to be found in it; where less than half of the
    pattern is found anywhere, the text is told from its beginning."""
    for end in range(len(pattern) - 1, len(pattern) // 2, -1):
        try:
            found = re.search(pattern[:end], text)
        except re.error:
            continue  # it breaks off within a group or a set
        if found and found.group():
            return f"has {short(text[found.start() :])}"
    return f"is {short(text)}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
