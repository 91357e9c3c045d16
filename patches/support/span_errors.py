"""Record an error on a span, including interruptions such as cancellation or Ctrl-C.

An interruption ends work without being an `Exception`.
"""

import asyncio
import sys
from typing import Any

INTERRUPTION_TEXTS: dict[type[BaseException], str] = {
    asyncio.CancelledError: "cancelled",
    GeneratorExit: "closed by its consumer before the end",
    KeyboardInterrupt: "interrupted from the keyboard",
    SystemExit: "ended by the exit of the process",
}


class AbandonedSpanError(Exception):
    """Recorded on a span whose parent ended first."""


class TruncatedStreamError(Exception):
    """Recorded on a completion whose stream ended before the model's reply was complete."""


def find_interruption() -> BaseException | None:
    """Return the error that the closing of a generator is part of; None if it has no error.

    Call it while the generator or its source is closed. The result may be an error that the program
    was handling already when it opened the generator.
    """
    error = sys.exception()
    while isinstance(error, GeneratorExit):
        error = error.__context__
    return error


def describe_error(error: BaseException) -> str:
    """Return the text of an error for a span: its type and message, or a text for interruptions."""
    text = next(
        (text for kind, text in INTERRUPTION_TEXTS.items() if isinstance(error, kind)),
        type(error).__name__,
    )
    return ": ".join(filter(None, (text, str(error))))


def record_error(span: Any, error: BaseException) -> None:
    """Give an MLflow span the status ERROR and an exception event, for any kind of error.

    `LiveSpan.record_exception` accepts only an `Exception`.
    """
    from mlflow.entities import SpanEvent, SpanStatus, SpanStatusCode

    description = describe_error(error)
    attributes: dict[str, Any] = {
        "exception.type": type(error).__name__,
        "exception.message": description,
    }
    if isinstance(error, Exception):
        attributes = SpanEvent.from_exception(error).attributes
    span.add_event(SpanEvent("exception", attributes=attributes))
    span.set_status(SpanStatus(SpanStatusCode.ERROR, description))
