"""Step repetition: an agent repeats the same call and gets the same answer, again and again."""

from collections.abc import Iterator, Sequence

from instrumentation.diagnosis.calls.silent_stall import group_equal_calls, is_pending
from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.steps.routing import MIN_LOOP_REPEATS
from instrumentation.trace.canonical_json import mask_volatile_ids
from instrumentation.trace.span import Span

MODE = "step repetition"
FIX = "Let the tool refuse another try after the same error, and say that a retry is useless."


def find_repeated_calls(reading: TraceReading) -> Iterator[Finding]:
    """Yield the last of several equal calls with equal results in one turn.

    Polling that brings news, and a retry that succeeds in the end, are no repetition.
    """
    for turn in (None, *reading.index.turns):
        for calls in group_equal_calls(reading.index.calls_of(turn)):
            result = _result(calls[-1])
            repeats = 0
            for call in reversed(calls):
                if _result(call) != result:
                    break
                repeats += 1
            if repeats >= MIN_LOOP_REPEATS and not is_pending(calls[-1].outputs):
                yield _build_finding(reading, calls[-repeats:])


def _result(call: Span) -> str:
    error = call.status_message if call.failed else ""
    return mask_volatile_ids(f"{error} {to_json_text(call.outputs)}")


def _build_finding(reading: TraceReading, calls: Sequence[Span]) -> Finding:
    last = calls[-1]
    tokens = [
        one.span.tokens.input for one in reading.index.completions_of(reading.index.turn(last))
    ]
    spent = f"; the prompts took {sum(tokens)} tokens" if any(tokens) else ""
    return reading.build_finding(
        MODE,
        last,
        FIX,
        0.9,
        quote(last, last.inputs, f"{len(calls)} calls had these arguments"),
        quote(last, _result(last), f"each of them had this result{spent}"),
    )
