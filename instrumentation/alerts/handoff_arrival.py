"""Measure how much of a sender's output reached its receiver's prompt, as text or as words.

The score of a handoff counts only verbatim text. But a receiver may get a summary that another
agent has made; then it misses nothing, although its prompt contains nothing in the sender's words.
So for text that did not arrive verbatim, its single words are looked up in the prompt.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation.alerts.measurement import Measurement
from instrumentation.trace.span import Span

WORD_PATTERN = re.compile(r"\d+(?:[.,]\d+)*|\w+")
"""A word, or a number with its decimals."""
MIN_WORD_CHARS = 4
"""Two texts may share shorter words by chance."""


def measure_handoff_arrival(root: Span) -> Iterator[Measurement]:
    """For each handoff, the share of the output that arrived, from 0.0 to 1.0."""
    spans = list(root)
    for index, span in enumerate(spans):
        handoff = span.attributes
        score = handoff.get("flight_recorder.handoff.efficiency_score")
        if span.type == "HANDOFF" and isinstance(score, int | float) and 0 <= score <= 1:
            share = _arrived_share(score, handoff, spans[index + 1 :])
            sender = str(handoff.get("flight_recorder.handoff.from_agent"))
            receiver = str(handoff.get("flight_recorder.handoff.to_agent"))
            message = f"of the output of {sender}, {share:.0%} reached {receiver}"
            yield Measurement(share, span, receiver, message)


def _arrived_share(score: float, handoff: Mapping[str, Any], later_spans: Sequence[Span]) -> float:
    dropped = _significant_words(handoff.get("flight_recorder.handoff.dropped", ""))
    if score == 1.0 or not dropped:
        return float(score)
    receiver = str(handoff.get("flight_recorder.handoff.to_agent"))
    prompt = _significant_words(_receiver_prompt(receiver, later_spans))
    return score + (1.0 - score) * len(dropped & prompt) / len(dropped)


def _receiver_prompt(receiver: str, later_spans: Sequence[Span]) -> Any:
    """The inputs of the first completion in the receiver's next turn; None if there is none."""
    turns = (span for span in later_spans if span.type == "AGENT" and span.agent == receiver)
    prompts = (span.inputs for span in next(turns, ()) if span.type == "LLM")
    return next(prompts, None)


def _significant_words(text: Any) -> set[str]:
    """Long words, and numbers."""
    text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)
    words = (word.lower() for word in WORD_PATTERN.findall(text))
    return {word for word in words if len(word) >= MIN_WORD_CHARS or word[0].isdigit()}
