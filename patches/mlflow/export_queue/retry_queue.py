"""An outbox: the line of parcels for one store, each offered again until the store has taken it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic

from patches.mlflow.export_queue.pending_write import (
    PendingWrite,
    WriteFailedError,
    is_permanent_rejection,
)
from patches.mlflow.export_queue.store_outage import StoreOutage

THREAD_NAME = "trace-outbox"
MIN_BACKOFF_S, MAX_BACKOFF_S = 0.1, 2.0
MAX_SPANS_PER_WRITE = 1_000
"""Of one request: one that is too large to be answered in time would never be."""
MAX_FAILURES = 3
"""How often a parcel may fail by itself before it is divided, or given up."""


@dataclass(eq=False)
class QueuedWrite:
    """A parcel in the line, and how often it failed by itself: while others were taken."""

    write: PendingWrite
    size_bytes: int
    successes_before: int
    failures: int = 0


class RetryQueue:
    """What one store is to get. A thread of its own talks to the store; nobody else waits for it.

    It holds `most_bytes`, and `patience_s` is how long a store may take nothing.
    """

    def __init__(self, store: str, max_bytes: int, timeout_s: float) -> None:
        self._most_bytes, self._patience_s = max_bytes, timeout_s
        self._plight = StoreOutage(store)
        self._line: deque[QueuedWrite] = deque()
        self._changed = Condition()
        self._weight = self._taken = 0
        self._pause_s = self._in_vain_until = 0.0
        self._in_vain = 0
        self._closed = False
        self._thread = Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def put(self, write: PendingWrite) -> None:
        """Take a parcel, and wait until it is stored; not, though, for a store in a plight."""
        if self._closed:  # a thread that still traces as the others leave: as MLflow alone would
            write.write(write.exporter, *write.arguments)
            return
        with self._changed:
            for part in write.split(MAX_SPANS_PER_WRITE):
                if self._has_room(part):
                    self._add(QueuedWrite(part, part.size_bytes, self._taken))
                else:
                    self._plight.record_overflow(part, self._most_bytes)
            last = self._line[-1] if self._line else None
            if not self._wait_until(lambda: self._plight.is_active or last not in self._line):
                self._plight.start(f"no answer in {self._patience_s:g} s")

    def drain(self) -> None:
        """Wait until all is stored, or the store has taken nothing for `patience_s`."""
        with self._changed:
            if self._in_vain == self._taken and monotonic() < self._in_vain_until:
                return  # MLflow flushes several times over what a person calls one flush
            self._pause_s = 0.0
            self._changed.notify_all()
            if not self._wait_until(lambda: not self._line):
                self._in_vain, self._in_vain_until = self._taken, monotonic() + self._patience_s

    def close(self) -> None:
        """Wait as `drained` does, and say what could not be stored: nobody offers it again."""
        self.drain()
        with self._changed:
            self._closed = True
            while self._line:
                self._plight.record_loss(self._line.popleft().write)
            self._plight.end()
            self._changed.notify_all()

    def _has_room(self, write: PendingWrite) -> bool:
        """Whether there is room; for the end of a trace there is, unless spans of it are lost."""
        if not write.spans:
            return not self._plight.has_lost_part_of(write)
        return not self._line or self._weight + write.size_bytes <= self._most_bytes

    def _add(self, queued: QueuedWrite) -> None:
        self._line.append(queued)
        self._weight += queued.size_bytes
        self._changed.notify_all()

    def _wait_until(self, done: Callable[[], bool]) -> bool:
        """Whether it is done before the store has taken nothing for `patience_s`."""
        taken, deadline = self._taken, monotonic() + self._patience_s
        while not done():
            if taken != self._taken:
                taken, deadline = self._taken, monotonic() + self._patience_s
            if not self._changed.wait(deadline - monotonic()):
                return done()
        return True

    def _run(self) -> None:
        while (waiting := self._next()) is not None:
            try:
                waiting.write.attempt()
            except WriteFailedError as unstored:
                self._on_failure(waiting, unstored.__cause__)
            else:
                self._on_success(waiting)

    def _next(self) -> QueuedWrite | None:
        """The first in the line, once the pause after a failure is over; None at the end."""
        with self._changed:
            began = monotonic()
            while not self._closed:
                left = began + self._pause_s - monotonic()
                if self._line and left <= 0:
                    return self._line[0]
                self._changed.wait(left if self._line else None)
            return None

    def _on_success(self, queued: QueuedWrite) -> None:
        with self._changed:
            self._taken += 1
            self._pause_s = 0.0
            self._remove_first(queued)

    def _on_failure(self, queued: QueuedWrite, error: BaseException | None) -> None:
        """To the end of the line with it, so that it holds up no other."""
        with self._changed:
            if self._closed:
                return
            self._plight.start(error)
            self._pause_s = min(max(MIN_BACKOFF_S, 2 * self._pause_s), MAX_BACKOFF_S)
            queued.failures += queued.successes_before < self._taken or is_permanent_rejection(
                error
            )
            queued.successes_before = self._taken
            again = [queued]
            if queued.failures >= MAX_FAILURES:
                again = self._split_or_drop(queued)
            for one in again:
                self._add(one)
            self._remove_first(queued)

    def _split_or_drop(self, queued: QueuedWrite) -> list[QueuedWrite]:
        """In two, to find what the store does not take; one span, or a trace, is given up."""
        halves = queued.write.split(max(1, (len(queued.write.spans) + 1) // 2))
        if len(halves) > 1:
            return [
                QueuedWrite(half, half.size_bytes, self._taken, MAX_FAILURES - 1) for half in halves
            ]
        self._plight.record_loss(queued.write)
        return []

    def _remove_first(self, queued: QueuedWrite) -> None:
        """The first in the line is gone from it."""
        if self._line and self._line[0] is queued:
            self._weight -= self._line.popleft().size_bytes
        if not self._line:
            self._plight.end()
        self._changed.notify_all()
