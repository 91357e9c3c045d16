"""The outage of a store: it is logged once when it starts, and once when it ends."""

import logging

from patches.mlflow.export_queue.pending_write import PendingWrite
from patches.mlflow.export_queue.queue_settings import RETRY_QUEUE_BYTES
from patches.mlflow.store.schema_version import explain_newer_schema
from patches.mlflow.store.store_address import hide_credentials

MAX_ERROR_CHARS = 200
MAX_COUNTED_TRACES = 100_000
"""Beyond this number of lost traces, they are no longer counted one by one."""

_log = logging.getLogger(__name__)


class StoreOutage:
    """The current outage of one store, if any, and the spans that are lost in it."""

    def __init__(self, store: str) -> None:
        self.is_active = False
        self._tracking_uri = store
        self._store = hide_credentials(store, store)
        self._error = ""
        self._is_full = False
        self._lost_spans, self._lost_traces = 0, set[str]()

    def start(self, error: object) -> None:
        """Note that a write failed, and why."""
        self._error = hide_credentials(error_summary(error), self._tracking_uri)
        if not self.is_active:
            self.is_active = True
            _log.warning(
                "Cannot store spans at %s (%s): they are buffered, and storing them is retried",
                self._store,
                self._error,
            )

    def record_overflow(self, write: PendingWrite, max_bytes: int) -> None:
        """Note that a write is dropped because the queue is full."""
        if not self._is_full:
            self._is_full = True
            _log.error(
                "The retry queue for %s is full (%d bytes): new spans are dropped until the store"
                " accepts writes again. Set %s to allow more.",
                self._store,
                max_bytes,
                RETRY_QUEUE_BYTES.variable,
            )
        self.record_loss(write)

    def record_loss(self, write: PendingWrite) -> None:
        """Note that a write will not be retried."""
        self._lost_spans += len(write.spans)
        if len(self._lost_traces) < MAX_COUNTED_TRACES:
            self._lost_traces |= write.trace_ids

    def has_lost_part_of(self, write: PendingWrite) -> bool:
        """Return whether another part of the same traces is lost already."""
        return len(self._lost_traces) >= MAX_COUNTED_TRACES or not self._lost_traces.isdisjoint(
            write.trace_ids
        )

    def end(self) -> None:
        """Note that all writes are stored or lost."""
        if self._lost_traces:
            _log.error(
                "%d spans of %d%s traces could not be stored at %s and are lost (%s)",
                self._lost_spans,
                len(self._lost_traces),
                " or more" if len(self._lost_traces) >= MAX_COUNTED_TRACES else "",
                self._store,
                self._error,
            )
        elif self.is_active:
            _log.warning("Spans are stored at %s again; none were lost", self._store)
        self.is_active = self._is_full = False
        self._lost_spans, self._lost_traces = 0, set()


def error_summary(error: object) -> str:
    """Return the first line of a text, or of an error's root cause."""
    while isinstance(error, BaseException) and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__
    text = explain_newer_schema(error) or str(error)
    return (text.splitlines() or [type(error).__name__])[0][:MAX_ERROR_CHARS]
