"""The rules of tail sampling: which finished traces are kept, by ratio, error, duration or rule.

A decision is made when the last span of a trace has ended, so that a rule can see the errors and
the duration. MLflow's own head sampling (`MLFLOW_TRACE_SAMPLING_RATIO`, and
`sampling_ratio_override` of `@mlflow.trace`) decides before that, when a trace starts: a trace that
it leaves out costs nothing and reaches no rule. Both derive their decision from the trace id: of
the traces that a head ratio of 0.5 lets start, `Sampling(0.1)` keeps a fifth, a tenth of all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import StatusCode

KeepRule = Callable[[Sequence[ReadableSpan]], bool]
"""Return whether to keep a trace, given its ended spans, which are redacted already."""


@dataclass
class SamplingCounts:
    """Numbers of traces. Of those kept, `undecided` were kept because a limit was reached."""

    kept: int = 0
    dropped: int = 0
    undecided: int = 0


@dataclass(frozen=True)
class Sampling:
    """Keep a trace if its id is selected, or if it has an error, is slow, or matches a rule.

    Example:
        enable_tracing(sampling=Sampling(ratio=0.1, keep_slower_than_s=30))

    Attributes:
        ratio: The share of traces to keep, from 0 to 1. Selected by trace id as in OpenTelemetry's
            `TraceIdRatioBased`, so that all services of one trace decide alike.
        keep_errors: Keep traces in which a span has the status ERROR, even if it was handled.
        keep_slower_than_s: Keep traces, or a service's part of a trace, that take longer.
        rules: Keep traces for which one of these returns True.
        max_spans: The most spans that may wait for a decision. Beyond it, the oldest trace is kept.
        max_traces: How many traces wait for a decision. Beyond that, the oldest trace is kept.
        counts: How many traces were kept and dropped so far.

    Raises:
        ValueError: The ratio is not between 0 and 1.
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
            raise ValueError(f"the sampling ratio must be between 0 and 1, not {self.ratio}")

    def is_selected_by_ratio(self, trace_id: int) -> bool:
        """Return whether the ratio alone keeps this trace, whatever happens in it."""
        bound = TraceIdRatioBased.get_bound_for_rate(self.ratio)
        return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < bound

    def should_keep(self, spans: Sequence[ReadableSpan]) -> bool:
        """Return whether to keep a trace of these spans, of which there is at least one."""
        slow_s = self.keep_slower_than_s
        return (
            self.is_selected_by_ratio(spans[0].context.trace_id)
            or (self.keep_errors and any(is_error(span) for span in spans))
            or (slow_s is not None and duration_s(spans) > slow_s)
            or any(rule(spans) for rule in self.rules)
        )


def is_error(span: ReadableSpan) -> bool:
    return span.status.status_code is StatusCode.ERROR


def duration_s(spans: Sequence[ReadableSpan]) -> float:
    """Seconds from the start of the first span to the end of the last one."""
    start_ns = min(span.start_time or 0 for span in spans)
    return (max(span.end_time or 0 for span in spans) - start_ns) / 1e9
