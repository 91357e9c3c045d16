"""Runaway retries: one call sends a failing request again and again until the run is stopped."""

from collections import Counter
from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.trace_index import TOOL_TYPES
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import COMPLETION_TYPES

MODE = "runaway retries and tokens"
FIX = "Limit the number of attempts, and give up at once on errors that no retry mends."
MIN_FAILED_ATTEMPTS = 4
"""Clients retry two or three times by default."""


def find_calls_with_runaway_retries(reading: TraceReading) -> Iterator[Finding]:
    """Yield calls with many failed attempts, all alike, that did not end by themselves."""
    for call in reading.index.spans:
        if call.type not in COMPLETION_TYPES | TOOL_TYPES or not call.is_unfinished:
            continue
        failed = Counter(one.name for one in call.children if one.failed and not one.is_unfinished)
        error, count = failed.most_common(1)[0] if failed else ("", 0)
        if count >= MIN_FAILED_ATTEMPTS:
            causes = [
                quote(span, span.status_message, "the service gave this reason")
                for span in call.children
                if span.failed and span.type != "ATTEMPT"
            ]
            yield reading.build_finding(
                MODE,
                call,
                FIX,
                0.9,
                quote(call, error, f"{count} attempts failed in the same way"),
                *causes[:1],
                quote(call, call.status_message, "it did not give up, but was stopped"),
            )
