"""Dressing: a batch of finished spans made what a receiver reads, and handed to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.export_error import ExportError
from instrumentation.export.span_queue import QueuedSpan

ToOtlpSpan = Callable[[ReadableSpan, Mapping[str, str]], ReadableSpan]
"""What is sent of a span, and of what is said of its trace."""


class OtlpClientProtocol(Protocol):
    """Where spans are brought."""

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Raises `Refused` when they did not all arrive."""

    def close(self) -> None:
        """Nothing more is sent."""


def send_batch(
    batch: Sequence[QueuedSpan], to_otlp: ToOtlpSpan, client: OtlpClientProtocol
) -> ExportError | None:
    """Send a batch; why it was refused, if it was."""
    try:
        client.send([to_otlp(letter.span, letter.trace_attributes) for letter in batch])
    except ExportError as refused:
        return refused
    except Exception as error:  # whatever a span holds, the others are brought nevertheless
        return ExportError(f"{type(error).__name__} as they were sent", is_too_large=True)
    return None
