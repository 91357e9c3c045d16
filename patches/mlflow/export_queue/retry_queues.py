"""Retry writes that the trace store rejected, so that a server restart loses no spans.

MLflow's exporter tries once and swallows the error: silently for spans, with a warning for a trace.
If a server does not answer MLflow's first request, for its version, no span is sent to it for the
rest of the process, even after it has recovered.

Writes wait in one queue per store (`retry_queue.py`). An outage is logged once when it starts and
once when it ends (`store_outage.py`).
"""

import atexit
import logging
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial, wraps
from threading import Lock
from typing import Any

from patches.mlflow.export_queue.flush_progress import flush_interruptibly
from patches.mlflow.export_queue.pending_write import PendingWrite
from patches.mlflow.export_queue.queue_settings import RETRY_QUEUE_BYTES, STORE_TIMEOUT_S
from patches.mlflow.export_queue.retry_queue import THREAD_NAME, RetryQueue
from patches.patch import Patch
from patches.support.call_wrapping import filter_logs_for_block, replace_for_block
from patches.support.fork_hooks import fork_hooks

MAX_PAUSE_S = 5.0
"""How long a fork waits for a write to a store that does not answer."""
NOISY_LOGGERS = ("urllib3.connectionpool", "mlflow.store.db.utils", "mlflow.utils.rest_utils")
"""Loggers that report each failed attempt with a traceback or with the data to be stored.

An outage is logged once instead.
"""


@contextmanager
def _apply() -> Generator[None]:
    import mlflow
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue
    from mlflow.tracing.export.mlflow_v3 import MlflowV3SpanExporter

    exporter, flush = MlflowV3SpanExporter, AsyncTraceExportQueue.flush
    log_spans, log_trace = exporter._log_spans, exporter._log_trace
    retry_queues = RetryQueues()

    @wraps(log_spans)
    def put_spans(
        self: Any, experiment_id: str, spans: list[Any], *args: Any, **kwargs: Any
    ) -> None:
        trace_ids = frozenset(span.trace_id for span in spans)
        write = partial(log_spans, **kwargs)
        retry_queues.for_exporter(self).put(
            PendingWrite(write, self, (experiment_id, spans, *args), trace_ids, tuple(spans))
        )

    @wraps(log_trace)
    def put_trace(self: Any, trace: Any, *args: Any, **kwargs: Any) -> None:
        trace_ids = frozenset([trace.info.trace_id])
        write = partial(log_trace, **kwargs)
        retry_queues.for_exporter(self).put(PendingWrite(write, self, (trace, *args), trace_ids))

    @wraps(flush)
    def flush_all(self: Any, terminate: bool = False, *args: Any, **kwargs: Any) -> None:
        def flush_and_drain() -> None:
            flush(self, terminate, *args, **kwargs)
            retry_queues.drain()

        flush_interruptibly(self, flush_and_drain, retry_queues, is_at_exit=terminate)

    atexit.register(retry_queues.close)  # in case this context is never exited
    with ExitStack() as stack:
        stack.callback(atexit.unregister, retry_queues.close)
        stack.enter_context(replace_for_block(exporter, _log_spans=put_spans, _log_trace=put_trace))
        stack.enter_context(filter_logs_for_block(NOISY_LOGGERS, _is_from_other_thread))
        stack.enter_context(closing(retry_queues))
        stack.enter_context(
            fork_hooks(retry_queues.pause, retry_queues.resume, after_in_child=retry_queues.forget)
        )
        stack.enter_context(replace_for_block(AsyncTraceExportQueue, flush=flush_all))
        stack.callback(mlflow.flush_trace_async_logging)
        yield


class RetryQueues:
    """The retry queues of a process, one per store, so that one store's outage affects no other."""

    def __init__(self) -> None:
        self._max_bytes, self._timeout_s = int(RETRY_QUEUE_BYTES.read()), STORE_TIMEOUT_S.read()
        self._paused: list[RetryQueue] = []
        self.forget()

    def for_exporter(self, exporter: Any) -> RetryQueue:
        """Get or create the queue of the store that an exporter writes to."""
        store = exporter._client.tracking_uri
        with self._lock:
            if store not in self._by_store:
                self._by_store[store] = RetryQueue(store, self._max_bytes, self._timeout_s)
            return self._by_store[store]

    def __iter__(self) -> Iterator[RetryQueue]:
        return iter(list(self._by_store.values()))

    def drain(self) -> None:
        """Wait for each queue; see `RetryQueue.drain`."""
        for queue in self:
            queue.drain()

    def close(self) -> None:
        """Close each queue; see `RetryQueue.close`."""
        for queue in self:
            queue.close()

    def pause(self) -> None:
        """Wait until no write is under way, and let none begin before `resume`.

        SQLite's library has locks of its own, which a forked process could never release.
        """
        self._paused = [queue for queue in self if queue.writing.acquire(timeout=MAX_PAUSE_S)]

    def resume(self) -> None:
        """Let the queues write again."""
        for queue in self._paused:
            queue.writing.release()
        self._paused = []

    def forget(self) -> None:
        """Begin without queues, in a forked process: the parent stores the writes in its own."""
        self._lock = Lock()
        self._by_store: dict[str, RetryQueue] = {}


def _is_from_other_thread(record: logging.LogRecord) -> bool:
    return record.threadName != THREAD_NAME


PATCH = Patch(
    name="mlflow.export_queue.retry_queues",
    symptom=(
        "spans recorded while the store is down, restarting or locked are silently dropped; after"
        " a server that was down at first, all spans of the process are"
    ),
    upstream=(
        "mlflow.tracing.export.mlflow_v3.MlflowV3SpanExporter._log_spans (`except Exception`), and"
        " mlflow.store.tracking.rest_store.RestStore._get_server_version, which caches None"
    ),
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="spans that a server rejects are stored once the server is back",
    canary="tests/patches/mlflow/test_retry_queues.py"
    "::test_upstream_mlflow_stores_spans_recorded_during_an_outage",
    apply=_apply,
    wraps={
        "mlflow.tracing.export.mlflow_v3:MlflowV3SpanExporter._log_spans": (
            "self, experiment_id, spans"
        ),
        "mlflow.tracing.export.mlflow_v3:MlflowV3SpanExporter._log_trace": "self, trace",
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.flush": "self",
    },
)
