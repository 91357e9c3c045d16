"""A measure: what an alert reads off a finished trace, in the unit that its name says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from instrumentation.alerts.handoff_share import measure_handoff_share
from instrumentation.alerts.measured_unit import MeasuredUnit, iter_units
from instrumentation.alerts.reading import Reading
from instrumentation.alerts.repeated_steps import measure_repeats
from instrumentation.trace.span import Span

Formatter = Callable[[float], str]
MAX_ERROR_CHARS = 160
"""How much of an error's sentence is told, in characters."""


@dataclass(frozen=True)
class Measure:
    """`of_unit` reads one unit, and gives None where the trace does not tell; a measure `of_run`
    finds what it reads itself, in the whole of a run. `form` writes a value for a person."""

    format: Formatter
    measure_unit: Callable[[MeasuredUnit], Reading | None] | None = None
    measure_run: Callable[[Span], Iterator[Reading]] | None = None

    def readings(self, root: Span, kind: str) -> Iterator[Reading]:
        """All readings of a run; where units are read, of those of this kind."""
        if self.measure_run:
            yield from self.measure_run(root)
        elif read := self.measure_unit:
            chosen = (unit for unit in iter_units(root) if unit.kind == kind)
            yield from (reading for unit in chosen if (reading := read(unit)) is not None)


def measure_latency(unit: MeasuredUnit) -> Reading | None:
    """Milliseconds from the beginning to the end. A recorded trace has no times."""
    span = unit.span
    if not span.end_ns:
        return None
    took_ms = (span.end_ns - span.start_ns) / 1e6
    return Reading(took_ms, span, unit.agent, f"{unit} took {took_ms:,.0f} ms")


def measure_failure(unit: MeasuredUnit) -> Reading:
    """1 where it ended in an error, else 0."""
    span = unit.span
    why = (
        f": {span.status_message.strip().splitlines()[0][:MAX_ERROR_CHARS]}"
        if span.status_message.strip()
        else ""
    )
    says = f"{unit} failed{why}" if span.failed else f"{unit} did not fail"
    return Reading(float(span.failed), span, unit.agent, says)


def measure_tokens(unit: MeasuredUnit) -> Reading | None:
    """Tokens that its completions used, in and out; None where no endpoint counted any."""
    counted = [span.tokens.total for span in _token_spans(unit.span)]
    if not counted:
        return None
    return Reading(sum(counted), unit.span, unit.agent, f"{unit} used {sum(counted):,} tokens")


def measure_cost(unit: MeasuredUnit) -> Reading | None:
    """US dollars by MLflow's list of prices; None where one of its completions went to a model
    without a price: nothing is ever counted as free."""
    costs = [span.cost_usd for span in _token_spans(unit.span)]
    known = [usd for usd in costs if usd is not None]
    if not known or len(known) < len(costs):
        return None
    return Reading(sum(known), unit.span, unit.agent, f"{unit} cost ${sum(known):,.4f}")


def _token_spans(span: Span) -> Iterator[Span]:
    """The spans that count tokens; of one inside another that counts, the outer one alone."""
    beneath = [span]
    while beneath:
        inner = beneath.pop()
        if inner.tokens.total:
            yield inner
        else:
            beneath += inner.children


def _format_percent(share: float) -> str:
    return f"{100 * share:.3g}%"


MEASURES: Mapping[str, Measure] = {
    "latency_ms": Measure("{:,.0f} ms".format, measure_latency),
    "failed": Measure(_format_percent, measure_failure),
    "tokens": Measure("{:,.0f} tokens".format, measure_tokens),
    "cost_usd": Measure("${:,.4f}".format, measure_cost),
    "repeats": Measure("{:,.0f} times".format, measure_run=measure_repeats),
    "handoff_share": Measure(_format_percent, measure_run=measure_handoff_share),
}
