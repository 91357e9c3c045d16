"""An outbox: the line of parcels for one store, each offered again until the store has taken it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic

from patches.mlflow.export_queue.pending_write import Parcel, Unstored, refused
from patches.mlflow.export_queue.store_outage import Plight

THREAD = "trace-outbox"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
MOST_SPANS = 1_000
"""Of one request: one that is too large to be answered in time would never be."""
STRIKES = 3
"""How often a parcel may fail by itself before it is divided, or given up."""


@dataclass(eq=False)
class Waiting:
    """A parcel in the line, and how often it failed by itself: while others were taken."""

    parcel: Parcel
    weight: int
    taken_before: int
    strikes: int = 0


class Outbox:
    """What one store is to get. A thread of its own talks to the store; nobody else waits for it.

    It holds `most_bytes`, and `patience_s` is how long a store may take nothing.
    """

    def __init__(self, store: str, most_bytes: int, patience_s: float) -> None:
        self._most_bytes, self._patience_s = most_bytes, patience_s
        self._plight = Plight(store)
        self._line: deque[Waiting] = deque()
        self._changed = Condition()
        self._weight = self._taken = 0
        self._pause_s = self._in_vain_until = 0.0
        self._in_vain = 0
        self._closed = False
        self._thread = Thread(target=self._work, name=THREAD, daemon=True)
        self._thread.start()

    def put(self, parcel: Parcel) -> None:
        """Take a parcel, and wait until it is stored; not, though, for a store in a plight."""
        if self._closed:  # a thread that still traces as the others leave: as MLflow alone would
            parcel.send(parcel.exporter, *parcel.arguments)
            return
        with self._changed:
            for part in parcel.parts(MOST_SPANS):
                if self._fits(part):
                    self._add(Waiting(part, part.weight, self._taken))
                else:
                    self._plight.full(part, self._most_bytes)
            last = self._line[-1] if self._line else None
            if not self._until(lambda: self._plight.on or last not in self._line):
                self._plight.began(f"no answer in {self._patience_s:g} s")

    def drained(self) -> None:
        """Wait until all is stored, or the store has taken nothing for `patience_s`."""
        with self._changed:
            if self._in_vain == self._taken and monotonic() < self._in_vain_until:
                return  # MLflow flushes several times over what a person calls one flush
            self._pause_s = 0.0
            self._changed.notify_all()
            if not self._until(lambda: not self._line):
                self._in_vain, self._in_vain_until = self._taken, monotonic() + self._patience_s

    def close(self) -> None:
        """Wait as `drained` does, and say what could not be stored: nobody offers it again."""
        self.drained()
        with self._changed:
            self._closed = True
            while self._line:
                self._plight.lost(self._line.popleft().parcel)
            self._plight.ended()
            self._changed.notify_all()

    def _fits(self, parcel: Parcel) -> bool:
        """Whether there is room; for the end of a trace there is, unless spans of it are lost."""
        if not parcel.spans:
            return not self._plight.has_lost(parcel)
        return not self._line or self._weight + parcel.weight <= self._most_bytes

    def _add(self, waiting: Waiting) -> None:
        self._line.append(waiting)
        self._weight += waiting.weight
        self._changed.notify_all()

    def _until(self, done: Callable[[], bool]) -> bool:
        """Whether it is done before the store has taken nothing for `patience_s`."""
        taken, deadline = self._taken, monotonic() + self._patience_s
        while not done():
            if taken != self._taken:
                taken, deadline = self._taken, monotonic() + self._patience_s
            if not self._changed.wait(deadline - monotonic()):
                return done()
        return True

    def _work(self) -> None:
        while (waiting := self._next()) is not None:
            try:
                waiting.parcel.offered()
            except Unstored as unstored:
                self._held_back(waiting, unstored.__cause__)
            else:
                self._stored(waiting)

    def _next(self) -> Waiting | None:
        """The first in the line, once the pause after a failure is over; None at the end."""
        with self._changed:
            began = monotonic()
            while not self._closed:
                left = began + self._pause_s - monotonic()
                if self._line and left <= 0:
                    return self._line[0]
                self._changed.wait(left if self._line else None)
            return None

    def _stored(self, waiting: Waiting) -> None:
        with self._changed:
            self._taken += 1
            self._pause_s = 0.0
            self._removed(waiting)

    def _held_back(self, waiting: Waiting, error: BaseException | None) -> None:
        """To the end of the line with it, so that it holds up no other."""
        with self._changed:
            if self._closed:
                return
            self._plight.began(error)
            self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), LONGEST_PAUSE_S)
            waiting.strikes += waiting.taken_before < self._taken or refused(error)
            waiting.taken_before = self._taken
            again = [waiting]
            if waiting.strikes >= STRIKES:
                again = self._divided(waiting)
            for one in again:
                self._add(one)
            self._removed(waiting)

    def _divided(self, waiting: Waiting) -> list[Waiting]:
        """In two, to find what the store does not take; one span, or a trace, is given up."""
        halves = waiting.parcel.parts(max(1, (len(waiting.parcel.spans) + 1) // 2))
        if len(halves) > 1:
            return [Waiting(half, half.weight, self._taken, STRIKES - 1) for half in halves]
        self._plight.lost(waiting.parcel)
        return []

    def _removed(self, waiting: Waiting) -> None:
        """The first in the line is gone from it."""
        if self._line and self._line[0] is waiting:
            self._weight -= self._line.popleft().weight
        if not self._line:
            self._plight.ended()
        self._changed.notify_all()
