"""Sampling: which of the traces that have ended are kept, by ratio and by rule.

A trace is judged when its last span has ended, so that a rule can see the error or the slowness
that it keeps a trace for. MLflow's own sampling (`MLFLOW_TRACE_SAMPLING_RATIO`, and
`sampling_ratio_override` of `@mlflow.trace`) goes before: it judges a trace as it begins, what it
leaves out costs nothing and is seen by no rule. Both read the ratio off the trace's id: of the
traces that a ratio of 0.5 lets begin, `Sampling(0.1)` keeps a fifth, a tenth of all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import StatusCode

KeepRule = Callable[[Sequence[ReadableSpan]], bool]
"""Whether a trace is to be kept: it is given the spans of it that have ended, redacted already."""


@dataclass
class SamplingCounts:
    """How many traces were kept and dropped; `unjudged` were kept because memory ran short."""

    kept: int = 0
    dropped: int = 0
    undecided: int = 0


@dataclass(frozen=True)
class Sampling:
    """A trace is kept if one of these says so: its id, an error in it, slowness, or a rule.

    `ratio` (0 to 1) is decided by the trace's id as in OpenTelemetry's `TraceIdRatioBased`, so that
    every service of one trace decides alike. An error is a span whose status is ERROR, whether or
    not someone handled it; slow is a trace, or a service's part of one, that takes longer than
    `keep_slower_than_s`. At most `max_spans` spans, of at most `max_traces` traces, wait to be
    judged: the oldest trace beyond them is kept as it is, with what is yet to come of it.
    """

    ratio: float = 1.0
    keep_errors: bool = True
    keep_slower_than_s: float | None = None
    rules: Sequence[KeepRule] = ()
    max_spans: int = 50_000
    max_traces: int = 10_000
    counts: SamplingCounts = field(default_factory=SamplingCounts, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise ValueError(
                f"A sampling ratio lies between 0 and 1, and this one is {self.ratio}."
            )

    def is_selected_by_ratio(self, trace_id: int) -> bool:
        """Whether the ratio keeps the trace of this id, whatever happens in it."""
        return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < TraceIdRatioBased.get_bound_for_rate(
            self.ratio
        )

    def should_keep(self, spans: Sequence[ReadableSpan]) -> bool:
        """Whether a trace of these spans, which is not empty, is to be kept."""
        return (
            self.is_selected_by_ratio(spans[0].context.trace_id)
            or (self.keep_errors and any(is_error(span) for span in spans))
            or (self.keep_slower_than_s is not None and duration_s(spans) > self.keep_slower_than_s)
            or any(rule(spans) for rule in self.rules)
        )


def is_error(span: ReadableSpan) -> bool:
    return span.status.status_code is StatusCode.ERROR


def duration_s(spans: Sequence[ReadableSpan]) -> float:
    """From the start of the first to the end of the last, in seconds."""
    began = min(span.start_time or 0 for span in spans)
    return (max(span.end_time or 0 for span in spans) - began) / 1e9
