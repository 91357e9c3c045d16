"""An interruption: what ends work without being an `Exception`, such as cancellation or Ctrl-C."""

import asyncio
from typing import Any

INTERRUPTION_TEXTS: dict[type[BaseException], str] = {
    asyncio.CancelledError: "cancelled",
    GeneratorExit: "closed by its consumer before the end",
    KeyboardInterrupt: "interrupted from the keyboard",
    SystemExit: "ended by the exit of the process",
}


def describe_error(error: BaseException) -> str:
    """What a span says of an error: its name and message, or the words for an interruption."""
    said = next(
        (words for kind, words in INTERRUPTION_TEXTS.items() if isinstance(error, kind)), None
    )
    return ": ".join(filter(None, (said or type(error).__name__, str(error))))


def record_error(span: Any, error: BaseException) -> None:
    """Give an MLflow span the status ERROR and an exception event, whatever kind of error it is.

    `LiveSpan.record_exception` refuses what is no `Exception`, and tells all of one that is.
    """
    from mlflow.entities import SpanEvent, SpanStatus, SpanStatusCode

    words = describe_error(error)
    attributes: dict[str, Any] = {
        "exception.type": type(error).__name__,
        "exception.message": words,
    }
    if isinstance(error, Exception):
        attributes = SpanEvent.from_exception(error).attributes
    span.add_event(SpanEvent("exception", attributes=attributes))
    span.set_status(SpanStatus(SpanStatusCode.ERROR, words))
