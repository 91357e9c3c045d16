"""Information withholding: an agent works without the result of another agent that it needs."""

from collections.abc import Iterator, Sequence

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.handoff import Handoff
from instrumentation.diagnosis.handoffs.ignored_input import is_ignored_input
from instrumentation.diagnosis.trace_reading import TraceReading

MODE = "information withholding"
MODE_INSTRUCTION = "context decay"
FIX = "Pass the sender's output to the receiver: list it among the receiver's sources."
FIX_INSTRUCTION = (
    "Give the instructions to every agent that must follow them, not to the first one."
)
MIN_ARRIVED_SCORE = 0.9


def find_lost_content(reading: TraceReading) -> Iterator[Finding]:
    """Yield lost handoffs of results: what an agent found out did not arrive."""
    lost = [one for one in reading.lost_handoffs if not is_ignored_input(reading, one)]
    results = [one for one in lost if not _is_instruction(reading, one)]
    if results:
        yield _build_finding(reading, MODE, results, FIX)


def find_lost_instructions(reading: TraceReading) -> Iterator[Finding]:
    """Yield lost handoffs of instructions: text without figures that reached an earlier agent."""
    lost = [one for one in reading.lost_handoffs if not is_ignored_input(reading, one)]
    instructions = [one for one in lost if _is_instruction(reading, one)]
    if instructions:
        yield _build_finding(reading, MODE_INSTRUCTION, instructions, FIX_INSTRUCTION)


def _is_instruction(reading: TraceReading, lost: Handoff) -> bool:
    """Whether the sender looked nothing up, states no figure, and was read by another agent."""
    if lost.figures or reading.index.calls_of(lost.sender):
        return False
    return any(
        other.sent == lost.sent and other.score >= MIN_ARRIVED_SCORE
        for other in reading.handoffs
        if other.to_agent != lost.to_agent
    )


def _build_finding(reading: TraceReading, mode: str, lost: Sequence[Handoff], fix: str) -> Finding:
    first = lost[0]
    evidence = [
        quote(one.span, one.sent, f"nothing of this is in the prompt of {one.to_agent}")
        for one in lost
    ]
    assert first.receiver is not None  # `lost_handoffs` has only handoffs with a receiver
    return reading.find(
        mode,
        first.span,
        (*evidence, quote(first.receiver, reading.flow.output(first.receiver), "it went on so")),
        fix,
        0.9,
        agent=first.to_agent,
        starts=[one.receiver for one in lost if one.receiver is not None],
    )
