"""The measures of alert rules: latency, failures, tokens, cost, repeats and handoff share."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from instrumentation.alerts.handoff_arrival import measure_handoff_arrival
from instrumentation.alerts.measurement import MeasuredSpan, Measurement, iter_measured_spans
from instrumentation.alerts.repeated_steps import measure_repeats
from instrumentation.trace.span import IN_PROGRESS, Span

Formatter = Callable[[float], str]
MAX_ERROR_CHARS = 160
"""Longer error messages are truncated."""


@dataclass(frozen=True)
class Measure:
    """How to measure a trace. Exactly one of the two functions is given.

    Attributes:
        format: Formats a value for people.
        measure_unit: Measures one unit; returns None if the trace has no data for it.
        measure_run: Measures a whole run, and finds what to measure itself.
    """

    format: Formatter
    measure_unit: Callable[[MeasuredSpan], Measurement | None] | None = None
    measure_run: Callable[[Span], Iterator[Measurement]] | None = None

    def readings(self, root: Span, kind: str) -> Iterator[Measurement]:
        """All measurements of a run; with `measure_unit`, those of units of this kind."""
        if self.measure_run:
            yield from self.measure_run(root)
        elif measure := self.measure_unit:
            units = (unit for unit in iter_measured_spans(root) if unit.kind == kind)
            measured = (measure(unit) for unit in units)
            yield from (measurement for measurement in measured if measurement is not None)


def measure_latency(unit: MeasuredSpan) -> Measurement | None:
    """The duration in milliseconds. A trace that was read from JSON has none."""
    span = unit.span
    if not span.end_ns:
        return None
    latency_ms = (span.end_ns - span.start_ns) / 1e6
    return Measurement(latency_ms, span, unit.agent, f"{unit} took {latency_ms:,.0f} ms")


def measure_failure(unit: MeasuredSpan) -> Measurement:
    """1 if the unit ended in an error, or if it or a span inside it never ended; else 0."""
    span = next((inner for inner in unit.span if inner.status == IN_PROGRESS), unit.span)
    error = span.status_message.strip()
    reason = f": {error.splitlines()[0][:MAX_ERROR_CHARS]}" if error else ""
    place = f" in {span.name}" if span is not unit.span else ""
    message = f"{unit} failed{place}{reason}" if span.failed else f"{unit} did not fail"
    return Measurement(float(span.failed), span, unit.agent, message)


def measure_tokens(unit: MeasuredSpan) -> Measurement | None:
    """Input and output tokens of all completions; None if no endpoint reported any."""
    counts = [span.tokens.total for span in _token_spans(unit.span)]
    if not counts:
        return None
    return Measurement(sum(counts), unit.span, unit.agent, f"{unit} used {sum(counts):,} tokens")


def measure_cost(unit: MeasuredSpan) -> Measurement | None:
    """US dollars by MLflow's price list; None if the model of one completion has no price."""
    costs = [span.cost_usd for span in _token_spans(unit.span)]
    known = [usd for usd in costs if usd is not None]
    if not known or len(known) < len(costs):
        return None
    return Measurement(sum(known), unit.span, unit.agent, f"{unit} cost ${sum(known):,.4f}")


def _token_spans(span: Span) -> Iterator[Span]:
    """The outermost spans that report tokens: spans inside them report the same tokens again."""
    remaining = [span]
    while remaining:
        inner = remaining.pop()
        if inner.tokens.total:
            yield inner
        else:
            remaining += inner.children


def _format_percent(share: float) -> str:
    return f"{100 * share:.3g}%"


MEASURES: Mapping[str, Measure] = {
    "latency_ms": Measure("{:,.0f} ms".format, measure_latency),
    "failed": Measure(_format_percent, measure_failure),
    "tokens": Measure("{:,.0f} tokens".format, measure_tokens),
    "cost_usd": Measure("${:,.4f}".format, measure_cost),
    "repeats": Measure("{:,.0f} times".format, measure_run=measure_repeats),
    "handoff_share": Measure(_format_percent, measure_run=measure_handoff_arrival),
}
