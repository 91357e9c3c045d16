"""Unbounded consumption: a budget is checked only after more than all of it has been spent."""

import math
from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.span_values import as_number
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "unbounded consumption"
FIX = "Check the budget before each completion, and stop when the next one would exceed it."
TOKEN_COUNT_ATTRIBUTE = "flight_recorder.guardrail.token_count"
TOKEN_LIMIT_ATTRIBUTE = "flight_recorder.guardrail.token_limit"


def find_late_budget_checks(reading: TraceReading) -> Iterator[Finding]:
    """Yield the first completion that was requested although the budget was spent by then."""
    for check in reading.index.spans:
        if TOKEN_LIMIT_ATTRIBUTE not in check.attributes:
            continue
        limit = as_number(check.attributes[TOKEN_LIMIT_ATTRIBUTE], math.inf)
        spent = as_number(check.attributes.get(TOKEN_COUNT_ATTRIBUTE), 0.0)
        if spent <= limit:
            continue
        spans = (one.span for one in reading.index.completions)
        earlier = [span for span in spans if reading.index.is_before(span, check)]
        if sum(span.tokens.total for span in earlier) != spent:
            continue  # the budget counts other completions than these
        if (origin := _first_beyond(earlier, limit)) is not None:
            yield _build_finding(reading, check, origin, earlier)
            return


def _first_beyond(completions: list[Span], limit: float) -> Span | None:
    """The first completion that was requested when the limit was already exceeded."""
    spent = 0
    for span in completions:
        if spent > limit:
            return span
        spent += span.tokens.total
    return None


def _build_finding(
    reading: TraceReading, check: Span, origin: Span, earlier: list[Span]
) -> Finding:
    late = len(earlier) - earlier.index(origin)
    count, limit = (check.attributes[key] for key in (TOKEN_COUNT_ATTRIBUTE, TOKEN_LIMIT_ATTRIBUTE))
    figures = f"{count} of {limit} tokens"
    return reading.build_finding(
        MODE,
        origin,
        FIX,
        0.9,
        quote(check, figures, "when the budget was checked, it had been exceeded"),
        quote(
            origin,
            f"{origin.tokens.input} tokens in, {origin.tokens.output} out",
            f"completions requested after the budget was spent: {late}",
        ),
    )
