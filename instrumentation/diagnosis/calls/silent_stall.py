"""Silent stall: a call never ends, or a result such as `running` is taken for a final one."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from instrumentation.diagnosis.calls.code_without_time_limit import (
    is_unfinished_code_without_time_limit,
)
from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.lexicon import PENDING
from instrumentation.diagnosis.reading.texts import iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_index import TOOL_TYPES
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import COMPLETION_TYPES, Span

MODE = "silent stall"
FIX_UNANSWERED = "Set a timeout on the request, and retry it."
FIX_PENDING = "Return an unfinished result as an error, and stop polling when nothing changes."
MAX_REPORT_FIELDS = 8
"""A result with more fields describes a thing, such as an order that is pending, and no work."""


def find_unanswered_calls(reading: TraceReading) -> Iterator[Finding]:
    """Yield calls of models and tools that were still waiting when the run was stopped."""
    for span in reading.index.spans:
        if span.type not in COMPLETION_TYPES | TOOL_TYPES or not span.is_unfinished:
            continue
        has_failed_inside = any(one.failed and not one.is_unfinished for one in span)
        waits_inside = any(one.type in COMPLETION_TYPES | TOOL_TYPES for one in span.children)
        if is_unfinished_code_without_time_limit(span):
            continue  # it does not wait for an answer
        if has_failed_inside or waits_inside or _is_unfinished_only_by_failure(reading, span):
            continue
        yield reading.build_finding(
            MODE,
            span,
            FIX_UNANSWERED,
            0.9,
            quote(span, span.status_message or span.status, "no answer had come when it ended"),
            *_waited(span),
        )


def find_pending_results(reading: TraceReading) -> Iterator[Finding]:
    """Yield tool calls whose last result says that the work goes on, but was taken as it is."""
    for turn in (None, *reading.index.turns):
        for calls in group_equal_calls(reading.index.calls_of(turn)):
            call = calls[-1]
            if call.failed or not is_pending(call.outputs) or _is_admitted(reading, turn):
                continue
            yield reading.build_finding(
                MODE,
                call,
                FIX_PENDING,
                0.9 if len(calls) > 1 else 0.7,
                quote(call, call.outputs, "the work had not ended"),
                *(
                    quote(one, one.outputs, "an earlier call said the same")
                    for one in calls[:-1]
                    if one.outputs == call.outputs
                ),
            )


def group_equal_calls(calls: Iterable[Span]) -> list[list[Span]]:
    """Group calls of the same tool with the same arguments."""
    groups: dict[tuple[str, str], list[Span]] = {}
    for call in calls:
        groups.setdefault((call.name, to_json_text(call.inputs)), []).append(call)
    return list(groups.values())


def is_pending(outputs: Any) -> bool:
    """Whether a short result says that work is under way, such as `"state": "running"`."""
    values = [value for _, value in islice(iter_fields(outputs), MAX_REPORT_FIELDS + 1)]
    return len(values) <= MAX_REPORT_FIELDS and any(
        isinstance(value, str) and PENDING.fullmatch(value.strip()) is not None for value in values
    )


def _is_admitted(reading: TraceReading, turn: Span | None) -> bool:
    """Whether the turn itself says that something is unfinished."""
    return turn is not None and PENDING.search(reading.flow.output(turn)) is not None


def _is_unfinished_only_by_failure(reading: TraceReading, span: Span) -> bool:
    """Whether a span was cancelled because something else in the run failed."""
    root = reading.index.root(span)
    return root.failed and not root.is_unfinished


def _waited(span: Span) -> Iterator[Any]:
    if span.start_ns and span.end_ns > span.start_ns:
        seconds = (span.end_ns - span.start_ns) / 1e9
        yield quote(span, f"{seconds:.1f} s", "it had waited so long")
