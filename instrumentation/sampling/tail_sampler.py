"""Held traces: those that are still open, and that it is too early to keep or to drop."""

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.sampling.sampling import Sampling, failed
from patches.opentelemetry.span_pipeline import Way

REMEMBERED = 100_000
"""Of how many traces it is known how they were judged, for what comes of them later."""


@dataclass
class HeldTrace:
    """What is held of a trace: the ids of its open spans, and those that have ended."""

    open: set[int] = field(default_factory=set)
    ended: list[tuple[ReadableSpan, Way]] = field(default_factory=list)

    @property
    def spans(self) -> list[ReadableSpan]:
        return [span for span, _ in self.ended]


class Held:
    """The traces that a `Sampling` has yet to judge; a `Holds` of the span pipeline.

    A trace is judged when none of its spans is open any longer, or as soon as it is sure to be
    kept, and leaves whole. What begins in it later follows it; but a service's next request in a
    trace that was dropped is judged anew, since it may fail on its own.
    """

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._traces: OrderedDict[int, HeldTrace] = OrderedDict()
        self._judged: OrderedDict[int, bool] = OrderedDict()
        self._spans = 0
        self._closed = False
        self._told: set[str] = set()
        self._lock = RLock()  # a rule may open spans of its own

    def started(self, span: ReadableSpan) -> None:
        id = span.context.trace_id
        if self.sampling.chosen(id):
            return
        with self._lock:
            if not (self._closed or self._judged.get(id)):
                self._traces.setdefault(id, HeldTrace()).open.add(span.context.span_id)
            surplus = self._surplus()
        _send(surplus, kept=True)

    def ended(self, span: ReadableSpan, way: Way) -> None:
        id = span.context.trace_id
        with self._lock:
            if self.sampling.chosen(id):
                self.sampling.counts.kept += is_top(span)
                leaving, kept = HeldTrace(ended=[(span, way)]), True
            elif self._closed:
                leaving, kept = HeldTrace(ended=[(span, way)]), self._judged.get(id, True)
            else:
                leaving, kept = self._after(span, way)
            surplus = self._surplus()
        _send([leaving], kept)
        _send(surplus, kept=True)

    def close(self) -> None:
        """What is open is kept: what has ended of it, and what will."""
        with self._lock:
            self._closed = True
            unjudged = [self._judge(id, kept=True) for id in list(self._traces)]
        _send(unjudged, kept=True)

    def _after(self, span: ReadableSpan, way: Way) -> tuple[HeldTrace, bool]:
        """What leaves once this span has ended, which may be nothing, and whether it is kept."""
        id = span.context.trace_id
        trace = self._traces.setdefault(id, HeldTrace())
        trace.open.discard(span.context.span_id)
        trace.ended.append((span, way))
        self._spans += 1
        verdict = self._verdict(id, trace)
        return (HeldTrace(), True) if verdict is None else (self._judge(id, verdict), verdict)

    def _verdict(self, id: int, trace: HeldTrace) -> bool | None:
        """Whether it is to be kept; None while it is too early to say."""
        before = self._judged.get(id)
        if before:
            return True
        late = before is False and not any(map(is_top, trace.spans))
        if not late and self.sampling.keep_errors and failed(trace.ended[-1][0]):
            return True
        if trace.open:
            return None
        return not late and self._kept_by_rule(trace.spans)

    def _kept_by_rule(self, spans: list[ReadableSpan]) -> bool:
        try:
            return self.sampling.keeps(spans)
        except (
            Exception
        ) as error:  # a rule may fail in any way: the program must not, nor the trace go
            self._tell(f"A rule of sampling raised {type(error).__name__}: such traces are kept.")
            return True

    def _judge(self, id: int, kept: bool) -> HeldTrace:
        """Take a trace out of those that are held, and remember what became of it."""
        trace = self._traces.pop(id)
        self._spans -= len(trace.ended)
        self.sampling.counts.kept += kept and not self._judged.get(id)
        self.sampling.counts.dropped += not kept and id not in self._judged
        self._judged[id] = kept
        while len(self._judged) > REMEMBERED:
            self._judged.popitem(last=False)
        return trace

    def _surplus(self) -> list[HeldTrace]:
        """The oldest traces, as far as more are held than may be."""
        surplus = []
        while self._spans > self.sampling.max_spans or len(self._traces) > self.sampling.max_traces:
            crowded = len(self._traces) > self.sampling.max_traces
            oldest = next(id for id, trace in self._traces.items() if crowded or trace.ended)
            surplus.append(self._judge(oldest, kept=True))
            self.sampling.counts.unjudged += 1
            self._tell(
                "More traces or spans wait to be sampled than may (max_traces, max_spans of the"
                " Sampling): the oldest are kept, as if a rule had said so."
            )
        return surplus

    def _tell(self, warning: str) -> None:
        """Once each: what is wrong with one trace is wrong with the next thousand."""
        if warning not in self._told:
            self._told.add(warning)
            logging.getLogger(__name__).warning(warning)


def is_top(span: ReadableSpan) -> bool:
    """Whether it is a root, or the first span of a service in its caller's trace."""
    return span.parent is None or span.parent.is_remote


def _send(traces: Iterable[HeldTrace], kept: bool) -> None:
    """Outside of the lock. A root goes last: with it, MLflow takes the trace to be complete."""
    for trace in traces:
        for span, way in sorted(trace.ended, key=lambda ended: ended[0].parent is None):
            (way.go if kept else way.drop)(span)
