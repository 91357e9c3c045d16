"""Swallowed tool error: each call of a tool fails, and neither the agent nor the answer says so."""

import re
from collections.abc import Iterator, Sequence

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.lexicon import (
    INABILITY,
    MISSING,
    OBJECTION,
    PENDING,
    REASSURANCE,
)
from instrumentation.diagnosis.reading.texts import iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "swallowed tool error"
FIX = "Let the agent name what it could not look up, and let a guardrail demand it."
ERROR_TEXT_START = re.compile(
    r"\s*(?:error\b|exception\b|traceback \(|http(?: status)?[ :]*[45]\d\d\b|[45]\d\d [A-Z])", re.I
)
"""The beginning of a result that is an error, although the call ended without one."""
ERROR_FIELDS = frozenset(("error", "exception", "error_message"))
ADMISSIONS = (MISSING, INABILITY, OBJECTION, PENDING)
"""Words by which an answer admits that something is missing or went wrong."""


def find_unmentioned_tool_errors(reading: TraceReading) -> Iterator[Finding]:
    """Yield the last failed call of a tool that never succeeded, if nobody says so afterwards."""
    if reading.trace.roots[-1].failed or _admits(reading.index.answer):
        return
    for turn in (None, *reading.index.turns):
        by_tool: dict[str, list[Span]] = {}
        for call in reading.index.calls_of(turn):
            by_tool.setdefault(call.name, []).append(call)
        for calls in by_tool.values():
            failed = all(_error(call) for call in calls) and not calls[-1].is_unfinished
            if failed and (turn is None or not _admits(reading.flow.output(turn))):
                yield _build_finding(reading, turn, calls)


def _admits(text: str) -> bool:
    text = REASSURANCE.sub("", text)
    return any(words.search(text) for words in ADMISSIONS)


def _error(call: Span) -> str:
    """The error of a call, as its status or its result says; "" if it succeeded."""
    if call.failed:
        return call.status_message or "failed"
    text, fields = to_json_text(call.outputs), iter_fields(call.outputs)
    has_error_field = any(name in ERROR_FIELDS and value for name, value in fields)
    return text if ERROR_TEXT_START.match(text) or has_error_field else ""


def _build_finding(reading: TraceReading, turn: Span | None, calls: Sequence[Span]) -> Finding:
    last = calls[-1]
    output = () if turn is None else (quote(turn, reading.flow.output(turn), "no word of it here"),)
    return reading.build_finding(
        MODE, last, FIX, 0.7, quote(last, _error(last), "the call failed"), *output
    )
