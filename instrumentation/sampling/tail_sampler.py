"""Hold the ended spans of open traces until a `Sampling` decides to keep or drop the trace."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from threading import RLock

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.sampling.sampling import Sampling, is_error
from patches.opentelemetry.span_pipeline import discard_span
from patches.support.error_boundaries import call_with_fallback

MAX_REMEMBERED_DECISIONS = 100_000
"""How many decisions are remembered for the late spans of their traces."""


Forward = Callable[[ReadableSpan], None]
"""Passes a span that is kept on to its tracer provider."""


@dataclass
class PendingTrace:
    """The ids of a trace's open spans, and its ended spans with their ways on."""

    open_span_ids: set[int] = field(default_factory=set)
    ended_spans: list[tuple[ReadableSpan, Forward]] = field(default_factory=list)

    @property
    def spans(self) -> list[ReadableSpan]:
        return [span for span, _ in self.ended_spans]


class TailSampler:
    """Decides for each trace whether its spans are forwarded or dropped.

    It implements the protocol `TailSampler` of the span pipeline. A decision is made when no span
    of a trace is open any more, or earlier, as soon as it is certain that the trace is kept. Spans
    that start later follow the decision. But a service's next request in a dropped trace is decided
    anew, because it may fail on its own.
    """

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._decisions: OrderedDict[int, bool] = OrderedDict()
        self._closed = False
        self._logged_warnings: set[str] = set()
        self.forget_pending()

    def forget_pending(self) -> None:
        """Begin without pending traces, in a forked process: its parent decides about them."""
        self._traces: OrderedDict[int, PendingTrace] = OrderedDict()
        self._span_count = 0
        self._lock = RLock()  # reentrant, because a rule may open spans

    def on_start(self, span: ReadableSpan) -> None:
        id = span.context.trace_id
        if self.sampling.is_selected_by_ratio(id):
            return
        with self._lock:
            if not (self._closed or self._decisions.get(id)):
                pending = self._traces.setdefault(id, PendingTrace())
                pending.open_span_ids.add(span.context.span_id)
            evicted = self._evict_oldest()
        _release(evicted, kept=True)

    def on_end(self, span: ReadableSpan, forward: Forward) -> None:
        id = span.context.trace_id
        with self._lock:
            if self.sampling.is_selected_by_ratio(id):
                self.sampling.counts.kept += is_local_root(span)
                released, kept = PendingTrace(ended_spans=[(span, forward)]), True
            elif self._closed:
                released = PendingTrace(ended_spans=[(span, forward)])
                kept = self._decisions.get(id, True)
            else:
                released, kept = self._add_ended_span(span, forward)
            evicted = self._evict_oldest()
        _release([released], kept)
        _release(evicted, kept=True)

    def close(self) -> None:
        """Keep all traces that are open, and their spans that end later."""
        with self._lock:
            self._closed = True
            pending = [self._close_trace(id, kept=True) for id in list(self._traces)]
        _release(pending, kept=True)

    def _add_ended_span(self, span: ReadableSpan, forward: Forward) -> tuple[PendingTrace, bool]:
        """Return what can be released after this span ended, possibly nothing, and whether kept."""
        id = span.context.trace_id
        trace = self._traces.setdefault(id, PendingTrace())
        trace.open_span_ids.discard(span.context.span_id)
        trace.ended_spans.append((span, forward))
        self._span_count += 1
        kept = self._decide(id, trace)
        return (PendingTrace(), True) if kept is None else (self._close_trace(id, kept), kept)

    def _decide(self, id: int, trace: PendingTrace) -> bool | None:
        """Decide whether to keep a trace; None if it is too early."""
        previous = self._decisions.get(id)
        if previous:
            return True
        is_late = previous is False and not any(map(is_local_root, trace.spans))
        if not is_late and self.sampling.keep_errors and is_error(trace.ended_spans[-1][0]):
            return True
        if trace.open_span_ids:
            return None
        return not is_late and self._is_kept_by_rule(trace.spans)

    def _is_kept_by_rule(self, spans: list[ReadableSpan]) -> bool:
        def keep(error: Exception) -> bool:
            self._warn_once(f"A sampling rule raised {type(error).__name__}: such traces are kept.")
            return True

        return call_with_fallback(partial(self.sampling.should_keep, spans), keep)

    def _close_trace(self, id: int, kept: bool) -> PendingTrace:
        """Remove a trace from the pending ones, and remember the decision."""
        trace = self._traces.pop(id)
        self._span_count -= len(trace.ended_spans)
        self.sampling.counts.kept += kept and not self._decisions.get(id)
        self.sampling.counts.dropped += not kept and id not in self._decisions
        self._decisions[id] = kept
        while len(self._decisions) > MAX_REMEMBERED_DECISIONS:
            self._decisions.popitem(last=False)
        return trace

    def _evict_oldest(self) -> list[PendingTrace]:
        """Remove the oldest traces until the limits are met."""
        sampling, evicted = self.sampling, []
        while (too_many := len(self._traces) > sampling.max_traces) or (
            self._span_count > sampling.max_spans
        ):
            oldest = next(id for id, trace in self._traces.items() if too_many or trace.ended_spans)
            evicted.append(self._close_trace(oldest, kept=True))
            sampling.counts.undecided += 1
            self._warn_once(
                "More traces or spans wait for a sampling decision than max_traces or max_spans"
                " of the Sampling allows: the oldest traces are kept."
            )
        return evicted

    def _warn_once(self, warning: str) -> None:
        """Log a warning the first time: the same problem may affect thousands of traces."""
        if warning not in self._logged_warnings:
            self._logged_warnings.add(warning)
            logging.getLogger(__name__).warning(warning)


def is_local_root(span: ReadableSpan) -> bool:
    """Return whether a span is a root, or the first span of a service in its caller's trace."""
    return span.parent is None or span.parent.is_remote


def _release(traces: Iterable[PendingTrace], kept: bool) -> None:
    """Forward or drop the spans, without holding the lock.

    A root comes last: when MLflow gets the root, it considers the trace complete.
    """
    for trace in traces:
        for span, forward in sorted(trace.ended_spans, key=lambda ended: ended[0].parent is None):
            (forward if kept else discard_span)(span)
