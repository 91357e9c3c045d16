"""Export finished spans in batches, in a background thread that never blocks the program.

Ending a span costs one append to a queue. Spans that the endpoint rejects temporarily are sent
again. When the queue is full meanwhile, the oldest spans are dropped and counted.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.export_error import ExportError, dropped_spans_error
from instrumentation.export.export_limits import ExportLimits
from instrumentation.export.otlp_client import OtlpClient
from instrumentation.export.span_queue import DeliveryStats, QueuedSpan, SpanQueue

ToOtlpSpan = Callable[[ReadableSpan, Mapping[str, str]], ReadableSpan]
"""Converts a span and the attributes of its trace into the span to send."""


class BatchExporter:
    """Queues spans and sends them in batches; implements `SpanSink` of the OTLP processor."""

    def __init__(
        self,
        connect: Callable[[], OtlpClient],
        convert: ToOtlpSpan,
        warn: Callable[[ExportError], None],
        limits: ExportLimits,
    ) -> None:
        """Start the background thread, in which all three functions are called."""
        self._connect, self._convert, self._warn = connect, convert, warn
        self._limits = limits
        self._start()

    def _start(self) -> None:
        """Start with an empty queue and a thread of this process."""
        self._process_id = os.getpid()
        self._changed = threading.Condition()
        self._queue = SpanQueue(self._limits)
        self._batch_size = self._limits.max_batch_spans
        self._delivered = self._lost = self._dropped_from_queue = 0
        self._sending_count = self._failure_count = 0
        self._is_failing = self._flush_requested = self._is_closed = False
        threading.Thread(target=self._run, name="otlp-exporter", daemon=True).start()

    @property
    def stats(self) -> DeliveryStats:
        with self._changed:
            waiting = len(self._queue) + self._sending_count
            return DeliveryStats(self._delivered, self._lost, waiting)

    def send(self, span: ReadableSpan, trace_attributes: Mapping[str, str]) -> None:
        """Queue a span, with the attributes of its trace if it is a root. Returns immediately."""
        self._start_in_forked_process()
        queued = QueuedSpan.from_span(span, trace_attributes)
        with self._changed:
            if self._is_closed:
                self._lost += 1
                return
            dropped = self._queue.add(queued)
            self._lost += dropped
            self._dropped_from_queue += dropped
            if len(self._queue) == self._limits.max_batch_spans:
                self._changed.notify_all()

    def flush(self) -> bool:
        """Send all queued spans, and return whether none is left.

        It gives up when a request fails, or when the endpoint accepts nothing for
        `flush_stall_timeout_s`.
        """
        self._start_in_forked_process()
        limits, deadline = self._limits, time.monotonic() + self._limits.flush_timeout_s
        with self._changed:
            stall_timeout_s = (
                limits.failing_flush_timeout_s if self._is_failing else limits.flush_stall_timeout_s
            )
            self._flush_requested, failures = True, self._failure_count
            self._changed.notify_all()
            while self._queue or self._sending_count:
                timeout_s = min(stall_timeout_s, deadline - time.monotonic())
                if not self._made_progress(timeout_s) or self._failure_count != failures:
                    self._is_failing = True
                    return False
        return True

    def close(self) -> None:
        """Flush, and accept no more spans. Spans that are left are lost."""
        if self._is_closed or self._process_id != os.getpid():
            return
        self.flush()
        with self._changed:
            self._is_closed = True
            cleared, sending_count = self._queue.clear(), self._sending_count
            self._lost += cleared
            self._changed.notify_all()
        if cleared or sending_count or self._dropped_from_queue:
            self._warn(dropped_spans_error(self._dropped_from_queue, cleared + sending_count))

    def _start_in_forked_process(self) -> None:
        """Start anew after a fork, which copies no threads, and locks as other threads hold them.

        The parent sends the spans in the copied queue.
        """
        if self._process_id != os.getpid():
            self._start()

    def _made_progress(self, timeout_s: float) -> bool:
        """Wait until spans are delivered, a request fails or nothing waits; False if too late."""
        before = self._delivered, self._failure_count
        return self._changed.wait_for(
            lambda: (
                (self._delivered, self._failure_count) != before
                or not (self._queue or self._sending_count)
            ),
            max(timeout_s, 0.0),
        )

    def _run(self) -> None:
        """Send batch after batch, with a pause after each failed request."""
        client, retry_delay_s = self._connect(), 0.0
        limits = self._limits
        while (batch := self._next_batch(retry_delay_s)) is not None:
            if not batch or self._send_batch(batch, client):
                retry_delay_s = 0.0
            else:
                next_delay_s = 2 * retry_delay_s or limits.retry_delay_s
                retry_delay_s = min(next_delay_s, limits.max_retry_delay_s)
        client.close()

    def _next_batch(self, retry_delay_s: float) -> Sequence[QueuedSpan] | None:
        """Wait until the next batch is due, and take it; None when the exporter is closed."""

        def is_due() -> bool:
            is_full = len(self._queue) >= self._limits.max_batch_spans
            return self._is_closed or self._flush_requested or (is_full and not retry_delay_s)

        with self._changed:
            self._changed.wait_for(is_due, retry_delay_s or self._limits.batch_delay_s)
            if self._is_closed:
                return None
            batch = self._queue.take_batch(self._batch_size)
            self._sending_count = len(batch)
            self._flush_requested = self._flush_requested and bool(batch)
            return batch

    def _send_batch(self, batch: Sequence[QueuedSpan], client: OtlpClient) -> bool:
        """Send a batch, and return whether the next one may follow immediately."""
        error = self._try_to_send(batch, client)
        retry_halves = error is not None and error.is_too_large and len(batch) > 1
        retry_later = error is not None and error.is_retryable
        with self._changed:
            self._sending_count = 0
            if retry_halves or retry_later:
                self._lost += self._queue.put_back(batch)
            else:
                rejected = error.count_rejected(len(batch)) if error is not None else 0
                self._lost += rejected
                self._delivered += len(batch) - rejected
            # After an outage, try with a single span, because converting a batch is expensive.
            if retry_later:
                self._batch_size = 1
            elif retry_halves:
                self._batch_size = len(batch) // 2
            else:
                self._batch_size = self._limits.max_batch_spans
            self._is_failing = retry_later
            self._failure_count += retry_later
            self._flush_requested = self._flush_requested and not retry_later
            if self._is_closed:
                self._lost += self._queue.clear()
            self._changed.notify_all()
        if error is not None and not retry_halves:
            self._warn(error)
        return not retry_later

    def _try_to_send(self, batch: Sequence[QueuedSpan], client: OtlpClient) -> ExportError | None:
        try:
            client.send_once(
                [self._convert(queued.span, queued.trace_attributes) for queued in batch]
            )
        except ExportError as error:
            return error
        except Exception as error:  # one span with odd contents must not lose the others
            return ExportError(f"sending them raised {type(error).__name__}", is_too_large=True)
        return None
