"""A queue of writes to one store; a background thread retries each write until it succeeds."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from time import monotonic

from patches.mlflow.export_queue.pending_write import (
    PendingWrite,
    WriteFailedError,
    is_permanent_rejection,
)
from patches.mlflow.export_queue.store_outage import StoreOutage

THREAD_NAME = "trace-retry-queue"
MIN_BACKOFF_S, MAX_BACKOFF_S = 0.1, 2.0
MAX_SPANS_PER_WRITE = 1_000
"""A request with too many spans might never be answered in time."""
MAX_FAILURES = 3
"""How often a write may fail on its own before it is split or dropped."""


@dataclass(eq=False)
class QueuedWrite:
    """A write in the queue. Its `failures` are those during which other writes succeeded."""

    write: PendingWrite
    successes_before: int
    failures: int = 0


class RetryQueue:
    """Stores writes in one store, in a thread of its own, so that only `put` and `drain` wait.

    Writes beyond about `max_bytes` are dropped. A caller waits `timeout_s` for a store that accepts
    nothing.
    """

    def __init__(self, store: str, max_bytes: int, timeout_s: float) -> None:
        self._max_bytes, self._timeout_s = max_bytes, timeout_s
        self._outage = StoreOutage(store)
        self._queue: deque[QueuedWrite] = deque()
        self._span_writes: Counter[str] = Counter()
        self._changed = Condition()
        self.writing = Lock()  # held during each write: whoever acquires it pauses the queue
        self._size_bytes = self._successes = 0
        self._backoff_s, self._is_closed = 0.0, False
        # A drain that timed out is not repeated until this time, unless a write succeeds.
        self._no_drain_until, self._no_drain_at_successes = 0.0, 0
        Thread(target=self._run, name=THREAD_NAME, daemon=True).start()

    def put(self, write: PendingWrite) -> None:
        """Add a write and wait until it is stored; don't wait during an outage."""
        if self._is_closed:  # a thread outlived the patch: write directly, as MLflow would
            write.write(write.exporter, *write.arguments)
            return
        with self._changed:
            for part in write.split(MAX_SPANS_PER_WRITE):
                if self._has_room(part):
                    self._add(QueuedWrite(part, self._successes))
                else:
                    self._outage.record_overflow(part, self._max_bytes)
            last = self._queue[-1] if self._queue else None
            if not self._wait_until(lambda: self._outage.is_active or last not in self._queue):
                self._outage.start(f"no answer in {self._timeout_s:g} s")

    def drain(self) -> None:
        """Wait until all writes are stored, or the store has accepted nothing for `timeout_s`."""
        with self._changed:
            # MLflow flushes several times for one call of its flush function.
            is_stalled = self._no_drain_at_successes == self._successes
            if is_stalled and monotonic() < self._no_drain_until:
                return
            self._backoff_s = 0.0
            self._changed.notify_all()
            if not self._wait_until(lambda: not self._queue):
                self._no_drain_at_successes = self._successes
                self._no_drain_until = monotonic() + self._timeout_s

    def writes(self) -> list[PendingWrite]:
        """Return the writes in the queue, the one that is under way included."""
        with self._changed:
            return [queued.write for queued in self._queue]

    def abandon(self) -> None:
        """Drop all writes, as if their store had rejected them. One under way may still succeed."""
        with self._changed:
            self._drop_all()

    def close(self) -> None:
        """Drain the queue, then drop and log the writes that could not be stored."""
        self.drain()
        with self._changed:
            self._is_closed = True
            self._drop_all()
            self._outage.end()

    def _drop_all(self) -> None:
        while self._queue:
            self._outage.record_loss(self._queue.popleft().write)
        self._span_writes.clear()
        self._size_bytes = 0
        self._changed.notify_all()

    def _has_room(self, write: PendingWrite) -> bool:
        """Return whether a write fits. A finished trace always does, unless it lost spans."""
        if not write.spans:
            return not self._outage.has_lost_part_of(write)
        return not self._queue or self._size_bytes + write.size_bytes <= self._max_bytes

    def _add(self, queued: QueuedWrite) -> None:
        self._queue.append(queued)
        if queued.write.spans:
            self._span_writes.update(queued.write.trace_ids)
        self._size_bytes += queued.write.size_bytes
        self._changed.notify_all()

    def _wait_until(self, is_done: Callable[[], bool]) -> bool:
        """Wait until `is_done()` or a timeout, which each successful write restarts."""
        successes, deadline = self._successes, monotonic() + self._timeout_s
        while not is_done():
            if successes != self._successes:
                successes, deadline = self._successes, monotonic() + self._timeout_s
            if not self._changed.wait(deadline - monotonic()):
                return is_done()
        return True

    def _run(self) -> None:
        while (queued := self._next()) is not None:
            try:
                with self.writing:
                    queued.write.attempt()
            except WriteFailedError as failure:
                self._on_failure(queued, failure.__cause__)
            else:
                with self._changed:
                    self._successes += 1
                    self._backoff_s = 0.0
                    self._remove_first(queued)
            del queued  # so that the spans are freed while this thread waits for the next ones

    def _skip_first(self) -> None:
        """Move a trace that waits for its spans behind them, and drop it if they are lost."""
        while self._queue and not self._queue[0].write.spans:
            first = self._queue[0]
            if self._outage.has_lost_part_of(first.write):
                self._outage.record_loss(first.write)
                self._remove_first(first)
            elif any(self._span_writes[id] > 0 for id in first.write.trace_ids):
                self._queue.rotate(-1)
            else:
                return

    def _next(self) -> QueuedWrite | None:
        """Return the first write, once the backoff after a failure is over; None when closed."""
        with self._changed:
            start = monotonic()
            while not self._is_closed:
                remaining_s = start + self._backoff_s - monotonic()
                if remaining_s <= 0:
                    self._skip_first()
                    if self._queue:
                        return self._queue[0]
                self._changed.wait(remaining_s if self._queue else None)
            return None

    def _on_failure(self, queued: QueuedWrite, error: BaseException | None) -> None:
        """Move the write to the end of the queue, so that it blocks no other write.

        One that fails often is halved, to isolate what the store rejects, down to a single span.
        """
        with self._changed:
            if self._is_closed:
                return
            self._outage.start(error)
            self._backoff_s = min(max(MIN_BACKOFF_S, 2 * self._backoff_s), MAX_BACKOFF_S)
            failed_alone = queued.successes_before < self._successes
            queued.failures += failed_alone or is_permanent_rejection(error)
            queued.successes_before = self._successes
            if queued.failures < MAX_FAILURES:
                self._add(queued)
            elif len(halves := queued.write.split(max(1, (len(queued.write.spans) + 1) // 2))) > 1:
                for half in halves:
                    self._add(QueuedWrite(half, self._successes, MAX_FAILURES - 1))
            else:
                self._outage.record_loss(queued.write)
            self._remove_first(queued)

    def _remove_first(self, queued: QueuedWrite) -> None:
        """Remove a write that is first in the queue; end the outage if none is left."""
        if self._queue and self._queue[0] is queued:
            self._size_bytes -= self._queue.popleft().write.size_bytes
            if queued.write.spans:
                self._span_writes.subtract(queued.write.trace_ids)
                self._span_writes += Counter()  # forgets traces without a waiting write
        if not self._queue:
            self._outage.end()
        self._changed.notify_all()
