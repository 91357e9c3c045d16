"""A measure: what an alert reads off a finished trace, in the unit that its name says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from instrumentation.alerts.handoff_share import arrivals
from instrumentation.alerts.measured_unit import Unit, units
from instrumentation.alerts.reading import Reading
from instrumentation.alerts.repeated_steps import repeats
from instrumentation.trace.span import Span

Form = Callable[[float], str]
SAYS = 160
"""How much of an error's sentence is told, in characters."""


@dataclass(frozen=True)
class Measure:
    """`of_unit` reads one unit, and gives None where the trace does not tell; a measure `of_run`
    finds what it reads itself, in the whole of a run. `form` writes a value for a person."""

    form: Form
    of_unit: Callable[[Unit], Reading | None] | None = None
    of_run: Callable[[Span], Iterator[Reading]] | None = None

    def readings(self, root: Span, kind: str) -> Iterator[Reading]:
        """All readings of a run; where units are read, of those of this kind."""
        if self.of_run:
            yield from self.of_run(root)
        elif read := self.of_unit:
            chosen = (unit for unit in units(root) if unit.kind == kind)
            yield from (reading for unit in chosen if (reading := read(unit)) is not None)


def latency(unit: Unit) -> Reading | None:
    """Milliseconds from the beginning to the end. A recorded trace has no times."""
    span = unit.span
    if not span.end_ns:
        return None
    took_ms = (span.end_ns - span.start_ns) / 1e6
    return Reading(took_ms, span, unit.agent, f"{unit} took {took_ms:,.0f} ms")


def failures(unit: Unit) -> Reading:
    """1 where it ended in an error, else 0."""
    span = unit.span
    why = f": {span.says.strip().splitlines()[0][:SAYS]}" if span.says.strip() else ""
    says = f"{unit} failed{why}" if span.failed else f"{unit} did not fail"
    return Reading(float(span.failed), span, unit.agent, says)


def tokens(unit: Unit) -> Reading | None:
    """Tokens that its completions used, in and out; None where no endpoint counted any."""
    counted = [span.tokens.total for span in _counting(unit.span)]
    if not counted:
        return None
    return Reading(sum(counted), unit.span, unit.agent, f"{unit} used {sum(counted):,} tokens")


def cost(unit: Unit) -> Reading | None:
    """US dollars by MLflow's list of prices; None where one of its completions went to a model
    without a price: nothing is ever counted as free."""
    costs = [span.cost_usd for span in _counting(unit.span)]
    known = [usd for usd in costs if usd is not None]
    if not known or len(known) < len(costs):
        return None
    return Reading(sum(known), unit.span, unit.agent, f"{unit} cost ${sum(known):,.4f}")


def _counting(span: Span) -> Iterator[Span]:
    """The spans that count tokens; of one inside another that counts, the outer one alone."""
    beneath = [span]
    while beneath:
        inner = beneath.pop()
        if inner.tokens.total:
            yield inner
        else:
            beneath += inner.children


def _per_cent(share: float) -> str:
    return f"{100 * share:.3g}%"


MEASURES: Mapping[str, Measure] = {
    "latency_ms": Measure("{:,.0f} ms".format, latency),
    "failed": Measure(_per_cent, failures),
    "tokens": Measure("{:,.0f} tokens".format, tokens),
    "cost_usd": Measure("${:,.4f}".format, cost),
    "repeats": Measure("{:,.0f} times".format, of_run=repeats),
    "handoff_share": Measure(_per_cent, of_run=arrivals),
}
