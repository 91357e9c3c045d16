"""Runaway retries: a call repeats a failing request without a limit, until the run is stopped."""

from collections import Counter
from collections.abc import Iterator

from instrumentation.diagnosis.calls.silent_stall import is_cut_off
from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "runaway retries and tokens"
FIX = "Limit the number of attempts, and give up at once on errors that no retry mends."
MIN_ATTEMPTS = 4
"""Clients retry two or three times by default."""


def find_runaway_retries(reading: TraceReading) -> Iterator[Finding]:
    """Yield calls with many failed attempts, all alike, that did not end by themselves."""
    calls: dict[int, tuple[Span, list[Span]]] = {}
    for attempt in reading.index.spans:
        parent = reading.index.parent(attempt)
        if attempt.type == "ATTEMPT" and attempt.failed and parent is not None:
            calls.setdefault(id(parent), (parent, []))[1].append(attempt)
    for call, attempts in calls.values():
        error, count = Counter(one.name for one in attempts).most_common(1)[0]
        if count >= MIN_ATTEMPTS and is_cut_off(call):
            causes = [
                quote(span, span.status_message, "the service gave this reason")
                for span in call.children
                if span.failed and span.type != "ATTEMPT"
            ]
            yield reading.find(
                MODE,
                call,
                (
                    quote(call, error, f"{count} attempts failed in the same way"),
                    *causes[:1],
                    quote(call, call.status_message, "it did not give up, but was stopped"),
                ),
                FIX,
                0.9,
            )
