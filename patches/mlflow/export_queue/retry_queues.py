"""What a store does not take, kept and offered again: a server restarts, and no span is lost.

MLflow's exporter tries once and swallows the error: of spans without a word, of a trace with a
warning. If a server does not answer the first question, which version it has, no span is sent to it
for the rest of the process, even when it is well again.
"""

import atexit
import logging
import os
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import wraps
from threading import Lock
from typing import Any

from patches.mlflow.export_queue.pending_write import PendingWrite
from patches.mlflow.export_queue.retry_queue import THREAD_NAME, RetryQueue
from patches.patch import Patch

MAX_BYTES_SETTING = ("FLIGHT_RECORDER_UNSTORED_BYTES", 64_000_000)
"""How much may wait for a store, about, in bytes of memory: the variable, and its default."""
TIMEOUT_SETTING = ("FLIGHT_RECORDER_STORE_PATIENCE_S", 10.0)
"""How long whoever waits for a store waits while it takes nothing, in seconds."""
NOISY_LOGGERS = ("urllib3.connectionpool", "mlflow.store.db.utils", "mlflow.utils.rest_utils")
"""Who logs each failed attempt, with a traceback or what was to be stored."""


@contextmanager
def _apply() -> Generator[None]:
    import mlflow
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue
    from mlflow.tracing.export.mlflow_v3 import MlflowV3SpanExporter

    exporter, queue = MlflowV3SpanExporter, AsyncTraceExportQueue
    log_spans, log_trace, flush = exporter._log_spans, exporter._log_trace, queue.flush
    outboxes = RetryQueues()

    @wraps(log_spans)
    def put_spans(self: Any, experiment: str, spans: list[Any], workspace: Any = None) -> None:
        traces = frozenset(span.trace_id for span in spans)
        arguments = (experiment, spans, workspace)
        outboxes.for_exporter(self).put(
            PendingWrite(log_spans, self, arguments, traces, tuple(spans))
        )

    @wraps(log_trace)
    def put_trace(self: Any, trace: Any, prompts: Any, workspace: Any = None) -> None:
        traces = frozenset([trace.info.trace_id])
        outboxes.for_exporter(self).put(
            PendingWrite(log_trace, self, (trace, prompts, workspace), traces)
        )

    @wraps(flush)
    def flush_all(self: Any, terminate: bool = False) -> None:
        flush(self, terminate)
        outboxes.drain()

    exporter._log_spans, exporter._log_trace, queue.flush = put_spans, put_trace, flush_all
    atexit.register(outboxes.close)  # for whoever enters, and never leaves
    try:
        with _silence_retry_logs(), closing(outboxes):
            try:
                yield
            finally:
                queue.flush = flush
                mlflow.flush_trace_async_logging()
    finally:
        exporter._log_spans, exporter._log_trace, queue.flush = log_spans, log_trace, flush
        atexit.unregister(outboxes.close)


class RetryQueues:
    """The outboxes of a process, one for each store, so that none waits for another's store.

    A forked process begins with none: what its parent's hold is the parent's to store.
    """

    def __init__(self) -> None:
        self._pid, self._lock = os.getpid(), Lock()
        self._by_store: dict[str, RetryQueue] = {}

    def for_exporter(self, exporter: Any) -> RetryQueue:
        """That of the store that an exporter writes to."""
        store = exporter._client.tracking_uri
        own = self._queues_of_this_process()
        with self._lock:
            if store not in own:
                own[store] = RetryQueue(
                    store, _read_setting(MAX_BYTES_SETTING), _read_setting(TIMEOUT_SETTING)
                )
            return own[store]

    def drain(self) -> None:
        """Wait for each, as `Outbox.drained` does."""
        for outbox in list(self._queues_of_this_process().values()):
            outbox.drain()

    def close(self) -> None:
        """Close each, as `Outbox.close` does."""
        for outbox in list(self._queues_of_this_process().values()):
            outbox.close()

    def _queues_of_this_process(self) -> dict[str, RetryQueue]:
        if self._pid != os.getpid():
            self._pid, self._lock, self._by_store = os.getpid(), Lock(), {}
        return self._by_store


@contextmanager
def _silence_retry_logs() -> Generator[None]:
    """Keep what others log of an attempt that is made again; a plight is told of once."""
    loggers = [logging.getLogger(name) for name in NOISY_LOGGERS]
    for logger in loggers:
        logger.addFilter(_is_from_other_thread)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_from_other_thread)


def _is_from_other_thread(record: logging.LogRecord) -> bool:
    return record.threadName != THREAD_NAME


def _read_setting(setting: tuple[str, Any]) -> Any:
    """What the environment says, or the default, of the default's type."""
    name, default = setting
    return type(default)(os.environ.get(name) or default)


PATCH = Patch(
    name="unstored",
    symptom=(
        "what is traced while the store is away, restarts or is locked is lost, spans without a"
        " word; after a server that was away at first, for as long as the process lives"
    ),
    upstream=(
        "mlflow.tracing.export.mlflow_v3.MlflowV3SpanExporter._log_spans (`except Exception`), and"
        " mlflow.store.tracking.rest_store.RestStore._get_server_version, which caches None"
    ),
    versions={"mlflow": ">=3.17"},
    delete_when="a span that a server does not take is stored once the server is back",
    canary="tests/patches/mlflow/test_retry_queues.py::test_mlflow_alone_stores_what_a_server_that_was_away_missed",
    apply=_apply,
)
