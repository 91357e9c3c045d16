"""A load: the spans that wait to be sent, the oldest first, within its bounds."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.export_limits import ExportLimits

ESTIMATED_EVENT_CHARS = 200
"""What an event is reckoned with: its text is not looked at when its span ends."""


@dataclass(frozen=True)
class QueuedSpan:
    """A finished span, what is said of its trace, if it is a root, and how much text it holds."""

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
    """What became of the spans that were taken: each has arrived, is lost, or waits."""

    arrived: int
    lost: int
    waiting: int


class SpanQueue:
    """Whoever changes it says how many spans that cost. It has no lock of its own."""

    def __init__(self, limits: ExportLimits) -> None:
        self._limits = limits
        self._spans: deque[QueuedSpan] = deque()
        self._chars = 0

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, span: QueuedSpan) -> int:
        """Put it last; how many of the oldest were dropped for it."""
        self._spans.append(span)
        self._chars += span.chars
        return self._drop_excess()

    def put_back(self, spans: Sequence[QueuedSpan]) -> int:
        """Put them first, as they were; how many of them were dropped, for others have come."""
        self._spans.extendleft(reversed(spans))
        self._chars += sum(letter.chars for letter in spans)
        return self._drop_excess()

    def take_batch(self, max_spans: int) -> Sequence[QueuedSpan]:
        """Take away the oldest, `most` at most, and few where they are large."""
        batch: list[QueuedSpan] = []
        chars = 0
        while self._spans and len(batch) < max_spans and chars < self._limits.max_batch_chars:
            batch.append(self._spans.popleft())
            chars += batch[-1].chars
        self._chars -= chars
        return batch

    def clear(self) -> int:
        """Drop all; how many they were."""
        dropped, self._chars = len(self._spans), 0
        self._spans.clear()
        return dropped

    def _drop_excess(self) -> int:
        dropped = 0
        while len(self._spans) > self._limits.max_spans or self._chars > self._limits.max_chars:
            self._chars -= self._spans.popleft().chars
            dropped += 1
        return dropped
