"""Reasoning-action mismatch: a reply's text names one code (AUT), and its tool call another."""

import re
from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion, ToolRequest
from instrumentation.diagnosis.reading.texts import iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.formats.json_documents import decode_json
from instrumentation.trace.span import Span

MODE = "reasoning-action mismatch"
FIX = (
    "Refuse a call whose arguments contradict what the model announced; let it say which it means."
)
IDENTIFIER = re.compile(r"(?<![\w.-])(?=[\w.-]*[A-Z0-9]{2})[A-Z0-9][A-Z0-9._-]*[A-Z0-9](?![\w-])")
"""A code, number or abbreviation: AUT, 2023, NY.GDP.MKTP."""


def find_calls_that_contradict_their_text(reading: TraceReading) -> Iterator[Finding]:
    """Yield completions whose text names one code, and whose call has another of the same form."""
    for completion in reading.index.completions:
        announced = set(IDENTIFIER.findall(completion.answer.text))
        if not announced or not completion.answer.requests:
            continue
        requested = {code for request in completion.answer.requests for code in _codes(request)}
        given = {code for message in completion.prompt for code in IDENTIFIER.findall(message.text)}
        for request in completion.answer.requests:
            for code in _codes(request) - announced - given:
                form = mask_identifier(code)
                meant = {one for one in announced - requested if mask_identifier(one) == form}
                call = _find_call(reading, completion, request)
                if meant and call is not None and not call.failed:
                    yield _build_finding(reading, completion, call, sorted(meant)[0], code)


def _codes(request: ToolRequest) -> set[str]:
    """The arguments of a call that are a code, and nothing else."""
    values = (str(value) for _, value in iter_fields(request.arguments))
    return {value for value in values if IDENTIFIER.fullmatch(value)}


def mask_identifier(code: str) -> str:
    """A code with each letter as A and each digit as 9."""
    return re.sub(r"\d", "9", re.sub(r"[A-Z]", "A", code))


def _find_call(reading: TraceReading, completion: Completion, request: ToolRequest) -> Span | None:
    """The call that a request led to."""
    arguments = decode_json(to_json_text(request.arguments))
    calls = reading.index.calls_after(completion, request.name)
    return next((call for call in calls if call.inputs == arguments), None)


def _build_finding(
    reading: TraceReading, completion: Completion, call: Span, meant: str, requested: str
) -> Finding:
    return reading.build_finding(
        MODE,
        completion.span,
        FIX,
        0.85,
        quote(completion.span, completion.answer.text, f"the text says {meant}"),
        quote(call, call.inputs, f"the call of the same reply says {requested}"),
        quote(call, call.outputs, "this was taken for the result"),
    )
