"""Premature termination: a reviewer objects, and the work goes on as if it had approved."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.handoff import Handoff
from instrumentation.diagnosis.reading.span_values import as_list
from instrumentation.diagnosis.reading.texts import sentence_keys
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.reading.verdict import read_verdict
from instrumentation.trace.span import Span

MODE = "premature termination"
FIX = "Decide by a structured field, not by a word in free text."
TRIED_ATTRIBUTE = "flight_recorder.routing.tried"
CONDITION_ATTRIBUTE = "flight_recorder.routing.condition"


def find_overruled_verdicts(reading: TraceReading) -> Iterator[Finding]:
    """Yield handoffs that go on after an objection, although the author gets no other turn."""
    for handoff in reading.handoffs:
        if handoff.receiver is None or handoff.sender is None:
            continue
        if read_verdict(handoff.sent) is False and _goes_forward(reading, handoff, handoff.sender):
            tried = [str(edge) for edge in as_list(handoff.span.attributes.get(TRIED_ATTRIBUTE))]
            condition = handoff.span.attributes.get(CONDITION_ATTRIBUTE)
            yield reading.build_finding(
                MODE,
                handoff.span,
                FIX,
                0.9 if tried else 0.6,
                quote(handoff.sender, handoff.sent, f"{handoff.from_agent} objects"),
                quote(
                    handoff.span,
                    "; ".join(tried) or handoff.span.name,
                    f"the run goes on to {handoff.to_agent}"
                    + (f", on {condition}" if condition else ""),
                ),
                agent=handoff.from_agent,
                starts=[handoff.receiver],
            )


def _goes_forward(reading: TraceReading, handoff: Handoff, sender: Span) -> bool:
    """Whether a text was reviewed, its author has no turn afterwards, and the receiver is new."""
    index = reading.index
    reviewed = sentence_keys(reading.flow.prompt(sender))
    authors: set[str | None] = set()
    later: set[str | None] = set()
    for turn in index.turns:
        if turn.agent == handoff.from_agent:
            continue
        if index.is_before(sender, turn):
            later.add(turn.agent)
        elif reviewed & sentence_keys(reading.flow.output(turn)):
            authors.add(turn.agent)
    return bool(authors) and handoff.to_agent not in authors and not authors & later
