"""Held traces: those that are still open, and that it is too early to keep or to drop."""

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.sampling.sampling import Sampling, is_error
from patches.opentelemetry.span_pipeline import SpanDisposition

MAX_REMEMBERED_DECISIONS = 100_000
"""Of how many traces it is known how they were judged, for what comes of them later."""


@dataclass
class PendingTrace:
    """What is held of a trace: the ids of its open spans, and those that have ended."""

    open_span_ids: set[int] = field(default_factory=set)
    ended_spans: list[tuple[ReadableSpan, SpanDisposition]] = field(default_factory=list)

    @property
    def spans(self) -> list[ReadableSpan]:
        return [span for span, _ in self.ended_spans]


class TailSampler:
    """The traces that a `Sampling` has yet to judge; a `Holds` of the span pipeline.

    A trace is judged when none of its spans is open any longer, or as soon as it is sure to be
    kept, and leaves whole. What begins in it later follows it; but a service's next request in a
    trace that was dropped is judged anew, since it may fail on its own.
    """

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._traces: OrderedDict[int, PendingTrace] = OrderedDict()
        self._decisions: OrderedDict[int, bool] = OrderedDict()
        self._span_count = 0
        self._closed = False
        self._logged_warnings: set[str] = set()
        self._lock = RLock()  # a rule may open spans of its own

    def on_start(self, span: ReadableSpan) -> None:
        id = span.context.trace_id
        if self.sampling.is_selected_by_ratio(id):
            return
        with self._lock:
            if not (self._closed or self._decisions.get(id)):
                self._traces.setdefault(id, PendingTrace()).open_span_ids.add(span.context.span_id)
            surplus = self._evict_oldest()
        _release(surplus, kept=True)

    def on_end(self, span: ReadableSpan, disposition: SpanDisposition) -> None:
        id = span.context.trace_id
        with self._lock:
            if self.sampling.is_selected_by_ratio(id):
                self.sampling.counts.kept += is_local_root(span)
                leaving, kept = PendingTrace(ended_spans=[(span, disposition)]), True
            elif self._closed:
                leaving, kept = (
                    PendingTrace(ended_spans=[(span, disposition)]),
                    self._decisions.get(id, True),
                )
            else:
                leaving, kept = self._add_ended_span(span, disposition)
            surplus = self._evict_oldest()
        _release([leaving], kept)
        _release(surplus, kept=True)

    def close(self) -> None:
        """What is open is kept: what has ended of it, and what will."""
        with self._lock:
            self._closed = True
            unjudged = [self._close_trace(id, kept=True) for id in list(self._traces)]
        _release(unjudged, kept=True)

    def _add_ended_span(
        self, span: ReadableSpan, disposition: SpanDisposition
    ) -> tuple[PendingTrace, bool]:
        """What leaves once this span has ended, which may be nothing, and whether it is kept."""
        id = span.context.trace_id
        trace = self._traces.setdefault(id, PendingTrace())
        trace.open_span_ids.discard(span.context.span_id)
        trace.ended_spans.append((span, disposition))
        self._span_count += 1
        verdict = self._decide(id, trace)
        return (
            (PendingTrace(), True) if verdict is None else (self._close_trace(id, verdict), verdict)
        )

    def _decide(self, id: int, trace: PendingTrace) -> bool | None:
        """Whether it is to be kept; None while it is too early to say."""
        before = self._decisions.get(id)
        if before:
            return True
        late = before is False and not any(map(is_local_root, trace.spans))
        if not late and self.sampling.keep_errors and is_error(trace.ended_spans[-1][0]):
            return True
        if trace.open_span_ids:
            return None
        return not late and self._is_kept_by_rule(trace.spans)

    def _is_kept_by_rule(self, spans: list[ReadableSpan]) -> bool:
        try:
            return self.sampling.should_keep(spans)
        except (
            Exception
        ) as error:  # a rule may fail in any way: the program must not, nor the trace go
            self._warn_once(
                f"A rule of sampling raised {type(error).__name__}: such traces are kept."
            )
            return True

    def _close_trace(self, id: int, kept: bool) -> PendingTrace:
        """Take a trace out of those that are held, and remember what became of it."""
        trace = self._traces.pop(id)
        self._span_count -= len(trace.ended_spans)
        self.sampling.counts.kept += kept and not self._decisions.get(id)
        self.sampling.counts.dropped += not kept and id not in self._decisions
        self._decisions[id] = kept
        while len(self._decisions) > MAX_REMEMBERED_DECISIONS:
            self._decisions.popitem(last=False)
        return trace

    def _evict_oldest(self) -> list[PendingTrace]:
        """The oldest traces, as far as more are held than may be."""
        surplus = []
        while (
            self._span_count > self.sampling.max_spans
            or len(self._traces) > self.sampling.max_traces
        ):
            crowded = len(self._traces) > self.sampling.max_traces
            oldest = next(id for id, trace in self._traces.items() if crowded or trace.ended_spans)
            surplus.append(self._close_trace(oldest, kept=True))
            self.sampling.counts.undecided += 1
            self._warn_once(
                "More traces or spans wait to be sampled than may (max_traces, max_spans of the"
                " Sampling): the oldest are kept, as if a rule had said so."
            )
        return surplus

    def _warn_once(self, warning: str) -> None:
        """Once each: what is wrong with one trace is wrong with the next thousand."""
        if warning not in self._logged_warnings:
            self._logged_warnings.add(warning)
            logging.getLogger(__name__).warning(warning)


def is_local_root(span: ReadableSpan) -> bool:
    """Whether it is a root, or the first span of a service in its caller's trace."""
    return span.parent is None or span.parent.is_remote


def _release(traces: Iterable[PendingTrace], kept: bool) -> None:
    """Outside of the lock. A root goes last: with it, MLflow takes the trace to be complete."""
    for trace in traces:
        for span, way in sorted(trace.ended_spans, key=lambda ended: ended[0].parent is None):
            (way.forward if kept else way.drop)(span)
