"""Dressing: a batch of finished spans made what a receiver reads, and handed to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.export_error import Refused
from instrumentation.export.span_queue import Letter

Dressed = Callable[[ReadableSpan, Mapping[str, str]], ReadableSpan]
"""What is sent of a span, and of what is said of its trace."""


class Receives(Protocol):
    """Where spans are brought."""

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Raises `Refused` when they did not all arrive."""

    def close(self) -> None:
        """Nothing more is sent."""


def sent(batch: Sequence[Letter], dressed: Dressed, receiver: Receives) -> Refused | None:
    """Send a batch; why it was refused, if it was."""
    try:
        receiver.send([dressed(letter.span, letter.said) for letter in batch])
    except Refused as refused:
        return refused
    except Exception as error:  # whatever a span holds, the others are brought nevertheless
        return Refused(f"{type(error).__name__} as they were sent", smaller=True)
    return None
