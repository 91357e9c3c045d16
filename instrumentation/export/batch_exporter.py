"""A courier: brings finished spans to a receiver in a thread of its own, and waits for nobody.

Whoever ends a span pays for an append. What the receiver does not take is offered again; what does
not fit into the bounds meanwhile is dropped, the oldest first, and counted.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.export.batch_sender import Dressed, Receives, sent
from instrumentation.export.export_error import Refused, unsent
from instrumentation.export.export_limits import Bounds
from instrumentation.export.span_queue import Count, Letter, Load


class Courier:
    """Takes spans at once and brings them in batches.

    `connect` finds the receiver, `dressed` makes of a span what is sent, `report` hears of each
    refusal; all three are called in the courier's own thread.
    """

    def __init__(
        self,
        connect: Callable[[], Receives],
        dressed: Dressed,
        report: Callable[[Refused], None],
        bounds: Bounds,
    ) -> None:
        self._connect, self._dressed, self._report = connect, dressed, report
        self._bounds = bounds
        self._begin()

    def _begin(self) -> None:
        """With nothing to bring, and a thread of its own."""
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._load = Load(self._bounds)
        self._most = self._bounds.batch_spans
        self._arrived = self._lost = self._crowded = self._out = self._failures = 0
        self._failing = self._asked = self._closed = False
        threading.Thread(target=self._work, name="courier", daemon=True).start()

    @property
    def count(self) -> Count:
        with self._changed:
            return Count(self._arrived, self._lost, len(self._load) + self._out)

    def take(self, span: ReadableSpan, said: Mapping[str, str]) -> None:
        """Take a span, and what is said of its trace, to be sent; returns at once."""
        if self._process != os.getpid():
            self._begin()  # the courier's thread did not come along with the fork
        letter = Letter.of(span, said)
        with self._changed:
            if self._closed:
                self._lost += 1
                return
            dropped = self._load.add(letter)
            self._lost += dropped
            self._crowded += dropped
            if len(self._load) == self._bounds.batch_spans:
                self._changed.notify_all()

    def flush(self) -> bool:
        """Bring all that waits; whether nothing waits any more.

        A try that fails ends it, and so does a receiver that takes nothing for `patience_s`.
        """
        give_up = time.monotonic() + self._bounds.flush_s
        with self._changed:
            patience_s = self._bounds.last_s if self._failing else self._bounds.patience_s
            self._asked, failures = True, self._failures
            self._changed.notify_all()
            while self._load or self._out:
                moved = self._moved_in(min(patience_s, give_up - time.monotonic()))
                if not moved or self._failures != failures:
                    self._failing = True
                    return False
        return True

    def close(self) -> None:
        """Bring what can be brought, and take nothing more; what is left then is lost."""
        if self._closed or self._process != os.getpid():
            return
        self.flush()
        with self._changed:
            self._closed = True
            cleared, out = self._load.clear(), self._out
            self._lost += cleared
            self._changed.notify_all()
        if cleared or out or self._crowded:
            self._report(unsent(self._crowded, cleared + out))

    def _moved_in(self, seconds: float) -> bool:
        """Whether spans arrived, a try failed or nothing waits, before the time was over."""
        before = self._arrived, self._failures
        return self._changed.wait_for(
            lambda: (self._arrived, self._failures) != before or not (self._load or self._out),
            max(seconds, 0.0),
        )

    def _work(self) -> None:
        """The thread's own: batch after batch, and a pause after a try that failed."""
        receiver, pause_s = self._connect(), 0.0
        while (batch := self._due(pause_s)) is not None:
            if not batch or self._brought(batch, receiver):
                pause_s = 0.0
            else:
                pause_s = min(2 * pause_s or self._bounds.pause_s, self._bounds.pauses_s)
        receiver.close()

    def _due(self, pause_s: float) -> Sequence[Letter] | None:
        """The next batch, once it is time for it; None when the courier is closed."""

        def now() -> bool:
            many = len(self._load) >= self._bounds.batch_spans
            return self._closed or self._asked or (many and not pause_s)

        with self._changed:
            self._changed.wait_for(now, pause_s or self._bounds.delay_s)
            if self._closed:
                return None
            batch = self._load.batch(self._most)
            self._out = len(batch)
            self._asked = self._asked and bool(batch)
            return batch

    def _brought(self, batch: Sequence[Letter], receiver: Receives) -> bool:
        """Whether the next batch may follow at once."""
        refused = sent(batch, self._dressed, receiver)
        halved = refused is not None and refused.smaller and len(batch) > 1
        again = refused is not None and refused.again
        with self._changed:
            self._out = 0
            if halved or again:
                self._lost += self._load.put_back(batch)
            else:
                lost = refused.of(len(batch)) if refused is not None else 0
                self._lost += lost
                self._arrived += len(batch) - lost
            # A receiver that was down is tried with a single span: a batch is dear to make.
            self._most = 1 if again else len(batch) // 2 if halved else self._bounds.batch_spans
            self._failing = again
            self._failures += again
            self._asked = self._asked and not again
            if self._closed:
                self._lost += self._load.clear()
            self._changed.notify_all()
        if refused is not None and not halved:
            self._report(refused)
        return not again
