"""A bounded FIFO queue of spans to be exported; when it is full, the oldest are dropped."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.export_limits import ExportLimits

ESTIMATED_EVENT_CHARS = 200
"""The assumed text of an event; it is not measured, so that ending a span stays fast."""


@dataclass(frozen=True)
class QueuedSpan:
    """A finished span, the attributes of its trace if it is a root, and its approximate size."""

    span: ReadableSpan
    trace_attributes: Mapping[str, str]
    chars: int

    @classmethod
    def from_span(cls, span: ReadableSpan, trace_attributes: Mapping[str, str]) -> "QueuedSpan":
        values = (span.attributes or {}).values()
        chars = sum(len(value) for value in values if isinstance(value, str))
        return cls(span, trace_attributes, chars + ESTIMATED_EVENT_CHARS * len(span.events))


@dataclass(frozen=True)
class DeliveryStats:
    """Numbers of spans: each one is delivered, lost, or waiting."""

    delivered: int
    lost: int
    waiting: int


class SpanQueue:
    """The queue. It is not thread-safe; methods that drop spans return their number."""

    def __init__(self, limits: ExportLimits) -> None:
        self._limits = limits
        self._spans: deque[QueuedSpan] = deque()
        self._chars = 0

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, span: QueuedSpan) -> int:
        """Append a span; returns how many of the oldest were dropped."""
        self._spans.append(span)
        self._chars += span.chars
        return self._drop_excess()

    def put_back(self, spans: Sequence[QueuedSpan]) -> int:
        """Put a batch back at the front; returns how many of its spans were dropped."""
        self._spans.extendleft(reversed(spans))
        self._chars += sum(span.chars for span in spans)
        return self._drop_excess()

    def take_batch(self, max_spans: int) -> Sequence[QueuedSpan]:
        """Remove the oldest spans: at most `max_spans`, fewer if they are large."""
        batch: list[QueuedSpan] = []
        chars = 0
        while self._spans and len(batch) < max_spans and chars < self._limits.max_batch_chars:
            batch.append(self._spans.popleft())
            chars += batch[-1].chars
        self._chars -= chars
        return batch

    def clear(self) -> int:
        """Drop all spans; returns how many they were."""
        dropped, self._chars = len(self._spans), 0
        self._spans.clear()
        return dropped

    def _drop_excess(self) -> int:
        dropped, limits = 0, self._limits
        while len(self._spans) > limits.max_spans or self._chars > limits.max_chars:
            self._chars -= self._spans.popleft().chars
            dropped += 1
        return dropped
