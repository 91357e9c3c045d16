"""A courier: brings finished spans to a receiver in a thread of its own, and waits for nobody.

Whoever ends a span pays for an append. What the receiver does not take is offered again; what does
not fit into the bounds meanwhile is dropped, the oldest first, and counted.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.batch_sender import OtlpClientProtocol, ToOtlpSpan, send_batch
from instrumentation.export.export_error import ExportError, undelivered_error
from instrumentation.export.export_limits import ExportLimits
from instrumentation.export.span_queue import DeliveryStats, QueuedSpan, SpanQueue


class BatchExporter:
    """Takes spans at once and brings them in batches.

    `connect` finds the receiver, `dressed` makes of a span what is sent, `report` hears of each
    refusal; all three are called in the courier's own thread.
    """

    def __init__(
        self,
        connect: Callable[[], OtlpClientProtocol],
        to_otlp: ToOtlpSpan,
        warn: Callable[[ExportError], None],
        limits: ExportLimits,
    ) -> None:
        self._connect, self._to_otlp, self._warn = connect, to_otlp, warn
        self._limits = limits
        self._start()

    def _start(self) -> None:
        """With nothing to bring, and a thread of its own."""
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._queue = SpanQueue(self._limits)
        self._batch_size = self._limits.max_batch_spans
        self._arrived = self._lost = self._dropped_for_room = self._in_flight = (
            self._failure_count
        ) = 0
        self._is_failing = self._flush_requested = self._is_closed = False
        threading.Thread(target=self._run, name="courier", daemon=True).start()

    @property
    def stats(self) -> DeliveryStats:
        with self._changed:
            return DeliveryStats(self._arrived, self._lost, len(self._queue) + self._in_flight)

    def send(self, span: ReadableSpan, trace_attributes: Mapping[str, str]) -> None:
        """Take a span, and what is said of its trace, to be sent; returns at once."""
        if self._process != os.getpid():
            self._start()  # the courier's thread did not come along with the fork
        letter = QueuedSpan.from_span(span, trace_attributes)
        with self._changed:
            if self._is_closed:
                self._lost += 1
                return
            dropped = self._queue.add(letter)
            self._lost += dropped
            self._dropped_for_room += dropped
            if len(self._queue) == self._limits.max_batch_spans:
                self._changed.notify_all()

    def flush(self) -> bool:
        """Bring all that waits; whether nothing waits any more.

        A try that fails ends it, and so does a receiver that takes nothing for `patience_s`.
        """
        give_up = time.monotonic() + self._limits.flush_timeout_s
        with self._changed:
            patience_s = (
                self._limits.failing_flush_timeout_s
                if self._is_failing
                else self._limits.flush_stall_timeout_s
            )
            self._flush_requested, failures = True, self._failure_count
            self._changed.notify_all()
            while self._queue or self._in_flight:
                moved = self._made_progress(min(patience_s, give_up - time.monotonic()))
                if not moved or self._failure_count != failures:
                    self._is_failing = True
                    return False
        return True

    def close(self) -> None:
        """Bring what can be brought, and take nothing more; what is left then is lost."""
        if self._is_closed or self._process != os.getpid():
            return
        self.flush()
        with self._changed:
            self._is_closed = True
            cleared, out = self._queue.clear(), self._in_flight
            self._lost += cleared
            self._changed.notify_all()
        if cleared or out or self._dropped_for_room:
            self._warn(undelivered_error(self._dropped_for_room, cleared + out))

    def _made_progress(self, timeout_s: float) -> bool:
        """Whether spans arrived, a try failed or nothing waits, before the time was over."""
        before = self._arrived, self._failure_count
        return self._changed.wait_for(
            lambda: (
                (self._arrived, self._failure_count) != before
                or not (self._queue or self._in_flight)
            ),
            max(timeout_s, 0.0),
        )

    def _run(self) -> None:
        """The thread's own: batch after batch, and a pause after a try that failed."""
        receiver, pause_s = self._connect(), 0.0
        while (batch := self._next_batch(pause_s)) is not None:
            if not batch or self._send_batch(batch, receiver):
                pause_s = 0.0
            else:
                pause_s = min(
                    2 * pause_s or self._limits.retry_delay_s, self._limits.max_retry_delay_s
                )
        receiver.close()

    def _next_batch(self, retry_delay_s: float) -> Sequence[QueuedSpan] | None:
        """The next batch, once it is time for it; None when the courier is closed."""

        def now() -> bool:
            many = len(self._queue) >= self._limits.max_batch_spans
            return self._is_closed or self._flush_requested or (many and not retry_delay_s)

        with self._changed:
            self._changed.wait_for(now, retry_delay_s or self._limits.batch_delay_s)
            if self._is_closed:
                return None
            batch = self._queue.take_batch(self._batch_size)
            self._in_flight = len(batch)
            self._flush_requested = self._flush_requested and bool(batch)
            return batch

    def _send_batch(self, batch: Sequence[QueuedSpan], receiver: OtlpClientProtocol) -> bool:
        """Whether the next batch may follow at once."""
        refused = send_batch(batch, self._to_otlp, receiver)
        halved = refused is not None and refused.is_too_large and len(batch) > 1
        again = refused is not None and refused.is_retryable
        with self._changed:
            self._in_flight = 0
            if halved or again:
                self._lost += self._queue.put_back(batch)
            else:
                lost = refused.rejected_count(len(batch)) if refused is not None else 0
                self._lost += lost
                self._arrived += len(batch) - lost
            # A receiver that was down is tried with a single span: a batch is dear to make.
            self._batch_size = (
                1 if again else len(batch) // 2 if halved else self._limits.max_batch_spans
            )
            self._is_failing = again
            self._failure_count += again
            self._flush_requested = self._flush_requested and not again
            if self._is_closed:
                self._lost += self._queue.clear()
            self._changed.notify_all()
        if refused is not None and not halved:
            self._warn(refused)
        return not again
