"""Guardrail misfire: a circuit breaker blocks a call that the task asks for, and no repetition."""

from collections.abc import Iterator, Sequence

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "guardrail misfire"
FIX = "Count repeated calls, with the same arguments, and set the limit of all calls far higher."
BLOCKED = "flight_recorder.guardrail.blocked"
REASON = "flight_recorder.guardrail.reason"
CALL_COUNT = "flight_recorder.guardrail.call_count"


def find_misfired_guardrails(reading: TraceReading) -> Iterator[Finding]:
    """Yield blocked calls of a tool whose calls all differ, if the task names what they ask for."""
    for guardrail in reading.index.spans:
        attributes = guardrail.attributes
        if str(attributes.get(BLOCKED)).lower() == "true" and CALL_COUNT in attributes:
            call = next(
                (one for one in reading.index.ancestors(guardrail) if one.type == "TOOL"), None
            )
            if call is None or not _is_named_in_task(reading, call):
                continue
            earlier = _earlier_calls(reading, call)
            requests = {to_json_text(one.inputs) for one in (*earlier, call)}
            if earlier and len(requests) > len(earlier) and not any(one.failed for one in earlier):
                yield _build_finding(reading, guardrail, call, earlier)
                return


def _is_named_in_task(reading: TraceReading, call: Span) -> bool:
    """Whether an argument of a call is in the task: the run is about this very call."""
    values = [str(value) for _, value in iter_fields(call.inputs) if value]
    return any(value in reading.index.task for value in values)


def _earlier_calls(reading: TraceReading, call: Span) -> Sequence[Span]:
    """The calls of the same tool before this one."""
    position = reading.index.position(call)
    return [
        one
        for one in reading.index.tool_calls
        if one.name == call.name and reading.index.position(one) < position
    ]


def _build_finding(
    reading: TraceReading, guardrail: Span, call: Span, earlier: Sequence[Span]
) -> Finding:
    count = f"the {len(earlier)} calls before it differ from it and from each other, and succeeded"
    return reading.find(
        MODE,
        guardrail,
        (
            quote(guardrail, str(guardrail.attributes.get(REASON)), "it blocked a call"),
            quote(call, to_json_text(call.inputs), "the task names what this call asks for"),
            quote(earlier[-1], to_json_text(earlier[-1].inputs), count),
        ),
        FIX,
        0.8,
    )
