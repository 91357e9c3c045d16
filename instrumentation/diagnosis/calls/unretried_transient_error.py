"""A transient error loses finished work: one refused request, not retried, fails the run."""

import re
from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.span_values import as_number
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import COMPLETION_TYPES, Span

MODE = "a transient error loses finished work"
FIX = "Retry refused requests, after the wait that the endpoint asks for."
TRANSIENT_STATUSES = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
TRANSIENT_ERROR = re.compile(r"\b(?:429|503|529)\b|rate.?limit|overloaded", re.I)
RETRY_AFTER_ATTRIBUTE = "flight_recorder.http.retry_after_s"


def find_unretried_transient_errors(reading: TraceReading) -> Iterator[Finding]:
    """Yield the only attempt at a completion, if its refusal is temporary and ended the run."""
    index = reading.index
    for completion in index.completions:
        span = completion.span
        if not span.failed or not index.root(span).failed:
            continue
        attempts = [one for one in span if one.type == "ATTEMPT"]
        origin = attempts[0] if len(attempts) == 1 else span
        if len(attempts) > 1 or not _is_transient(origin):
            continue
        finished = [turn for turn in index.turns if index.is_before(turn, span)]
        if not finished:
            continue
        wait = origin.attributes.get(RETRY_AFTER_ATTRIBUTE)
        yield reading.build_finding(
            MODE,
            origin,
            FIX,
            0.95 if wait else 0.8,
            quote(origin, origin.status_message, "the request was refused once, not retried"),
            *([quote(origin, f"{wait} s", "a retry was allowed after this")] if wait else ()),
            quote(
                index.root(span),
                ", ".join(str(turn.agent) for turn in finished),
                f"{len(finished)} finished turns were lost",
            ),
        )


def _is_transient(span: Span) -> bool:
    status = span.attributes.get("http.response.status_code")
    if span.type in COMPLETION_TYPES:
        return TRANSIENT_ERROR.search(span.status_message) is not None
    return span.failed and as_number(status, 0) in TRANSIENT_STATUSES
