"""Unbounded consumption: code that a model wrote runs without a time limit until it is stopped."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.span_values import is_cut_off
from instrumentation.diagnosis.reading.texts import to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "unbounded consumption"
FIX = "Give the execution a limit of time, and tell the agent when it is reached."
LANGUAGES = "flight_recorder.code.languages"
"""The attribute that marks a span as an execution of code."""
WALL_LIMIT = "flight_recorder.sandbox.limit.wall_s"


def find_endless_code(reading: TraceReading) -> Iterator[Finding]:
    """Yield executions of code that had no limit of time and ran until the run was stopped."""
    for call in filter(is_endless_code, reading.index.tool_calls):
        yield reading.find(
            MODE,
            call,
            (
                quote(call, call.status_message or call.status, "it ran until it was stopped"),
                quote(call, to_json_text(call.inputs), "the code, which had no limit of time"),
            ),
            FIX,
            0.95,
        )


def is_endless_code(call: Span) -> bool:
    """Whether a span is an execution of code without a limit of time, and was cut off."""
    attributes = call.attributes
    return LANGUAGES in attributes and WALL_LIMIT not in attributes and is_cut_off(call)
