"""Unbounded consumption: code that a model wrote runs without a time limit until it is stopped."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "unbounded consumption"
FIX = "Give the execution a limit of time, and tell the agent when it is reached."
LANGUAGES_ATTRIBUTE = "flight_recorder.code.languages"
"""The attribute that marks a span as an execution of code."""
TIME_LIMIT_ATTRIBUTE = "flight_recorder.sandbox.limit.wall_s"


def find_code_without_time_limit(reading: TraceReading) -> Iterator[Finding]:
    """Yield executions of code that had no limit of time and ran until the run was stopped."""
    for call in filter(is_unfinished_code_without_time_limit, reading.index.tool_calls):
        yield reading.build_finding(
            MODE,
            call,
            FIX,
            0.95,
            quote(call, call.status_message or call.status, "it ran until it was stopped"),
            quote(call, call.inputs, "the code, which had no limit of time"),
        )


def is_unfinished_code_without_time_limit(call: Span) -> bool:
    """Whether a span is an execution of code without a limit of time, and was stopped."""
    attributes = call.attributes
    return (
        LANGUAGES_ATTRIBUTE in attributes
        and TIME_LIMIT_ATTRIBUTE not in attributes
        and call.is_unfinished
    )
