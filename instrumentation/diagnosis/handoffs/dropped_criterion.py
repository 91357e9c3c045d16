"""Information withholding: a handoff omits a yes-or-no criterion that its sender was given."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.handoffs.lost_result import MODE
from instrumentation.diagnosis.reading.handoff import Handoff
from instrumentation.diagnosis.reading.span_values import iter_records
from instrumentation.diagnosis.reading.texts import content_words
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

FIX = "Hand the whole request on, or let the receiver return all criteria that its records have."


def find_dropped_criteria(reading: TraceReading) -> Iterator[Finding]:
    """Yield handoffs without a criterion of the sender's prompt that the receiver's records have.

    A criterion is a yes-or-no field in which the records differ. It is dropped if neither the
    receiver's prompt, nor its output, nor the answer names it.
    """
    index = reading.index
    for handoff in reading.handoffs:
        if handoff.receiver is None or not index.calls_of(handoff.receiver):
            continue
        requested, known = _given_words(reading, handoff, handoff.receiver)
        for field, call in _deciding_fields(reading, handoff.receiver):
            words = content_words(field.replace("_", " "))
            if words and words <= requested and not words <= known:
                yield _build_finding(reading, handoff, field, call)
                return


def _given_words(
    reading: TraceReading, handoff: Handoff, receiver: Span
) -> tuple[frozenset[str], frozenset[str]]:
    """The words of the sender's prompt; and those of the receiver, of its output and the answer."""
    index = reading.index
    around = next((one for one in index.ancestors(handoff.span) if one.type == "AGENT"), None)
    sender, own = index.completions_of(around)[:1], index.completions_of(receiver)[:1]
    if around is None or not sender or not own:
        return frozenset(), frozenset()
    known = (own[0].prompt_text, reading.flow.output(receiver), index.answer)
    return content_words(sender[0].prompt_text), content_words("\n".join(known))


def _deciding_fields(reading: TraceReading, turn: Span) -> Iterator[tuple[str, Span]]:
    """Each field that is true in one record of a turn's results, and false in another."""
    values: dict[str, set[bool]] = {}
    for call in reading.index.calls_of(turn):
        for record in iter_records(call.outputs):
            for name, value in record.items():
                if isinstance(value, bool):
                    values.setdefault(name, set()).add(value)
                    if len(values[name]) == 2:
                        yield name, call


def _build_finding(reading: TraceReading, handoff: Handoff, field: str, call: Span) -> Finding:
    assert handoff.receiver is not None
    return reading.build_finding(
        MODE,
        handoff.span,
        FIX,
        0.75,
        quote(handoff.span, handoff.sent, f"this does not mention {field}"),
        quote(call, call.outputs, "the records differ in it"),
        quote(handoff.receiver, reading.flow.output(handoff.receiver), "it is not used"),
        agent=handoff.from_agent,
        starts=[handoff.receiver],
    )
