"""A plight: a store that does not take what is traced, told of as it begins and as it is over."""

import logging
import re

from patches.mlflow.export_queue.pending_write import PendingWrite

MAX_ERROR_CHARS = 200
"""How much of an error is told, in characters."""
MAX_COUNTED_TRACES = 100_000
"""How many lost traces are told apart."""
CREDENTIALS = re.compile(r"//[^/@\s]*@")

_log = logging.getLogger(__name__)


class StoreOutage:
    """The trouble of one store, and what is lost in it. Each of its lines is logged once."""

    def __init__(self, store: str) -> None:
        self.is_active = False
        self._store = error_summary(store)
        self._why = ""
        self._full = False
        self._spans, self._traces = 0, set[str]()

    def start(self, error: object) -> None:
        """The store did not take a parcel."""
        self._why = error_summary(error)
        if not self.is_active:
            self.is_active = True
            _log.warning(
                "what is traced cannot be stored at %s (%s): it is kept, and offered again",
                self._store,
                self._why,
            )

    def record_overflow(self, write: PendingWrite, max_bytes: int) -> None:
        """There is no room for another parcel."""
        if not self._full:
            self._full = True
            _log.error(
                "%d bytes wait to be stored at %s, and there is no room for more: what is traced"
                " until it takes them is lost; FLIGHT_RECORDER_UNSTORED_BYTES makes room",
                max_bytes,
                self._store,
            )
        self.record_loss(write)

    def record_loss(self, write: PendingWrite) -> None:
        """Nobody will offer this parcel again."""
        self._spans += len(write.spans)
        if len(self._traces) < MAX_COUNTED_TRACES:
            self._traces |= write.trace_ids

    def has_lost_part_of(self, write: PendingWrite) -> bool:
        """Whether something else of the parcel's traces is lost already."""
        return len(self._traces) >= MAX_COUNTED_TRACES or not self._traces.isdisjoint(
            write.trace_ids
        )

    def end(self) -> None:
        """All that waited is stored, or lost."""
        if self._traces:
            _log.error(
                "%d spans of %d%s traces could not be stored at %s, and are lost (%s)",
                self._spans,
                len(self._traces),
                " or more" if len(self._traces) >= MAX_COUNTED_TRACES else "",
                self._store,
                self._why,
            )
        elif self.is_active:
            _log.warning("what is traced is stored at %s again, and nothing is lost", self._store)
        self.is_active = self._full = False
        self._spans, self._traces = 0, set()


def error_summary(error: object) -> str:
    """The first line of a text, or of an error's origin, without the credentials of a URL in it."""
    while isinstance(error, BaseException) and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return CREDENTIALS.sub("//", line)[:MAX_ERROR_CHARS]
