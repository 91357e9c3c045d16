"""A plight: a store that does not take what is traced, told of as it begins and as it is over."""

import logging
import re

from patches.mlflow.export_queue.pending_write import Parcel

LONGEST = 200
"""How much of an error is told, in characters."""
MOST_TRACES = 100_000
"""How many lost traces are told apart."""
CREDENTIALS = re.compile(r"//[^/@\s]*@")

_log = logging.getLogger(__name__)


class Plight:
    """The trouble of one store, and what is lost in it. Each of its lines is logged once."""

    def __init__(self, store: str) -> None:
        self.on = False
        self._store = told(store)
        self._why = ""
        self._full = False
        self._spans, self._traces = 0, set[str]()

    def began(self, why: object) -> None:
        """The store did not take a parcel."""
        self._why = told(why)
        if not self.on:
            self.on = True
            _log.warning(
                "what is traced cannot be stored at %s (%s): it is kept, and offered again",
                self._store,
                self._why,
            )

    def full(self, parcel: Parcel, most_bytes: int) -> None:
        """There is no room for another parcel."""
        if not self._full:
            self._full = True
            _log.error(
                "%d bytes wait to be stored at %s, and there is no room for more: what is traced"
                " until it takes them is lost; FLIGHT_RECORDER_UNSTORED_BYTES makes room",
                most_bytes,
                self._store,
            )
        self.lost(parcel)

    def lost(self, parcel: Parcel) -> None:
        """Nobody will offer this parcel again."""
        self._spans += len(parcel.spans)
        if len(self._traces) < MOST_TRACES:
            self._traces |= parcel.trace_ids

    def has_lost(self, parcel: Parcel) -> bool:
        """Whether something else of the parcel's traces is lost already."""
        return len(self._traces) >= MOST_TRACES or not self._traces.isdisjoint(parcel.trace_ids)

    def ended(self) -> None:
        """All that waited is stored, or lost."""
        if self._traces:
            _log.error(
                "%d spans of %d%s traces could not be stored at %s, and are lost (%s)",
                self._spans,
                len(self._traces),
                " or more" if len(self._traces) >= MOST_TRACES else "",
                self._store,
                self._why,
            )
        elif self.on:
            _log.warning("what is traced is stored at %s again, and nothing is lost", self._store)
        self.on = self._full = False
        self._spans, self._traces = 0, set()


def told(what: object) -> str:
    """The first line of a text, or of an error's origin, without the credentials of a URL in it."""
    while isinstance(what, BaseException) and (what.__cause__ or what.__context__):
        what = what.__cause__ or what.__context__
    line = (str(what).splitlines() or [type(what).__name__])[0]
    return CREDENTIALS.sub("//", line)[:LONGEST]
