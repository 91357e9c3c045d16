"""An arrival: how much of what an agent handed over its receiver had, in whatever words.

A handoff's own score counts what stands verbatim in the receiver's prompt. A receiver that gets in
its place a summary, which an agent between the two has made, misses nothing, though it has nothing
in the sender's own words. So of what did not arrive verbatim, the words count that the prompt has.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation.alerts.reading import Reading
from instrumentation.trace.span import Span

WORD_PATTERN = re.compile(r"\d+(?:[.,]\d+)*|\w+")
"""A word, or a number with its decimals."""
MIN_WORD_CHARS = 4
"""The shortest word, in characters, that two texts are unlikely to share by chance."""


def measure_handoff_share(root: Span) -> Iterator[Reading]:
    """For each handoff the share that arrived, from 0.0 to 1.0, of the receiver's agent."""
    spans = list(root)
    for at, span in enumerate(spans):
        if span.type == "HANDOFF" and "flight_recorder.handoff.efficiency_score" in span.attributes:
            told = span.attributes
            share = _arrived_share(told, spans[at + 1 :])
            sender, receiver = (
                str(told["flight_recorder.handoff.from_agent"]),
                str(told["flight_recorder.handoff.to_agent"]),
            )
            says = f"of what {sender} handed to {receiver}, {share:.0%} arrived"
            yield Reading(share, span, receiver, says)


def _arrived_share(handoff: Mapping[str, Any], later: Sequence[Span]) -> float:
    score = float(handoff["flight_recorder.handoff.efficiency_score"])
    lost = _significant_words(handoff.get("flight_recorder.handoff.dropped", ""))
    if score == 1.0 or not lost:
        return score
    given = _significant_words(
        _receiver_prompt(str(handoff["flight_recorder.handoff.to_agent"]), later)
    )
    return score + (1.0 - score) * len(lost & given) / len(lost)


def _receiver_prompt(receiver: str, later: Sequence[Span]) -> Any:
    """What the first completion of the receiver's next turn was asked; None if none is recorded."""
    turns = (span for span in later if span.type == "AGENT" and span.agent == receiver)
    asked = (span.inputs for span in next(turns, ()) if span.type == "LLM")
    return next(asked, None)


def _significant_words(text: Any) -> set[str]:
    """The words that tell something: long ones, and numbers."""
    text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)
    words = (word.lower() for word in WORD_PATTERN.findall(text))
    return {word for word in words if len(word) >= MIN_WORD_CHARS or word[0].isdigit()}
