"""A load: the spans that wait to be sent, the oldest first, within its bounds."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.export_limits import Bounds

EVENT_CHARS = 200
"""What an event is reckoned with: its text is not looked at when its span ends."""


@dataclass(frozen=True)
class Letter:
    """A finished span, what is said of its trace, if it is a root, and how much text it holds."""

    span: ReadableSpan
    said: Mapping[str, str]
    chars: int

    @classmethod
    def of(cls, span: ReadableSpan, said: Mapping[str, str]) -> "Letter":
        values = (span.attributes or {}).values()
        chars = sum(len(value) for value in values if isinstance(value, str))
        return cls(span, said, chars + EVENT_CHARS * len(span.events))


@dataclass(frozen=True)
class Count:
    """What became of the spans that were taken: each has arrived, is lost, or waits."""

    arrived: int
    lost: int
    waiting: int


class Load:
    """Whoever changes it says how many spans that cost. It has no lock of its own."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._letters: deque[Letter] = deque()
        self._chars = 0

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, letter: Letter) -> int:
        """Put it last; how many of the oldest were dropped for it."""
        self._letters.append(letter)
        self._chars += letter.chars
        return self._dropped()

    def put_back(self, letters: Sequence[Letter]) -> int:
        """Put them first, as they were; how many of them were dropped, for others have come."""
        self._letters.extendleft(reversed(letters))
        self._chars += sum(letter.chars for letter in letters)
        return self._dropped()

    def batch(self, most: int) -> Sequence[Letter]:
        """Take away the oldest, `most` at most, and few where they are large."""
        batch: list[Letter] = []
        chars = 0
        while self._letters and len(batch) < most and chars < self._bounds.batch_chars:
            batch.append(self._letters.popleft())
            chars += batch[-1].chars
        self._chars -= chars
        return batch

    def clear(self) -> int:
        """Drop all; how many they were."""
        dropped, self._chars = len(self._letters), 0
        self._letters.clear()
        return dropped

    def _dropped(self) -> int:
        dropped = 0
        while len(self._letters) > self._bounds.spans or self._chars > self._bounds.chars:
            self._chars -= self._letters.popleft().chars
            dropped += 1
        return dropped
