"""Ignored other agent's input: an objection does not reach the author, who repeats the text."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.handoff import Handoff
from instrumentation.diagnosis.reading.texts import sentence_keys
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.reading.verdict import read_verdict
from instrumentation.trace.span import Span

MODE = "ignored other agent's input"
FIX = "Give the author the reviewer's notes: list the reviewer among the author's sources."
MIN_REPEATED_SHARE = 0.8
"""The share of sentences that a second version must repeat to count as the same text."""


def find_lost_objections(reading: TraceReading) -> Iterator[Finding]:
    """Yield lost handoffs back to an author, who then writes the same text once more."""
    for lost in reading.handoffs:
        if lost.receiver is None or not is_lost_objection(reading, lost):
            continue
        yield reading.build_finding(
            MODE,
            lost.span,
            FIX,
            0.95,
            quote(lost.span, lost.sent, f"nothing of this is in the prompt of {lost.to_agent}"),
            quote(lost.receiver, reading.flow.output(lost.receiver), "the text is unchanged"),
            agent=lost.to_agent,
            starts=[lost.receiver],
        )


def is_lost_objection(reading: TraceReading, lost: Handoff) -> bool:
    """Whether the receiver had written before the sender did, and repeats what it had written."""
    if not lost.is_lost or lost.receiver is None or lost.sender is None:
        return False
    if lost.is_inferred and read_verdict(lost.sent) is not False:
        return False  # without an objection, the sender's text may have been for somebody else
    earlier = _last_turn_before(reading, lost.to_agent, lost.sender)
    if earlier is None:
        return False
    before = sentence_keys(reading.flow.output(earlier))
    after = sentence_keys(reading.flow.output(lost.receiver))
    return len(before & after) >= MIN_REPEATED_SHARE * max(len(after), 1)


def _last_turn_before(reading: TraceReading, agent: str, other: Span) -> Span | None:
    turns = (turn for turn in reversed(reading.index.turns) if turn.agent == agent)
    return next((turn for turn in turns if reading.index.is_before(turn, other)), None)
