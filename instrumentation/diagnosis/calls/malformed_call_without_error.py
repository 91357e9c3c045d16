"""Invalid invocation: a tool call whose arguments are not JSON ends without an error."""

import json
from collections.abc import Iterator
from typing import Any

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion, ToolRequest
from instrumentation.diagnosis.reading.texts import is_empty, iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "invalid invocation"
FIX = "Answer a call that cannot be read with an error, so that the model repeats it."


def find_malformed_calls_without_error(reading: TraceReading) -> Iterator[Finding]:
    """Yield tool calls that ended without an error, although their arguments are not JSON."""
    for completion in reading.index.completions:
        for request in completion.answer.requests:
            if not _is_malformed(request.arguments):
                continue
            call = _find_call(reading, completion, request)
            if call is not None and not call.failed:
                yield reading.build_finding(
                    MODE,
                    call,
                    FIX,
                    0.95,
                    quote(completion.span, str(request.arguments), "these are not JSON"),
                    quote(
                        call,
                        to_json_text(call.outputs) or "nothing",
                        "the call reports no error, but this result",
                    ),
                )


def _is_malformed(arguments: Any) -> bool:
    if not isinstance(arguments, str) or not arguments.strip():
        return False
    try:
        json.loads(arguments)
    except ValueError:
        return True
    except RecursionError:
        return False
    return False


def _find_call(reading: TraceReading, completion: Completion, request: ToolRequest) -> Span | None:
    """The call with these arguments; else the next empty one of the tool."""
    calls = reading.index.calls_after(completion, request.name)
    for call in calls:
        if request.arguments in (value for _, value in iter_fields(call.inputs)):
            return call
    return next((call for call in calls if is_empty(call.outputs)), None)
