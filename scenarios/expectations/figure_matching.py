"""Read the figures of tools and agents from a trace, and find those that are the same number."""

from collections.abc import Iterator
from decimal import Decimal

from instrumentation.figures import Figure, extract_figures
from instrumentation.trace import Trace
from scenarios.expectations.calls.tools import calls_of, tool_result
from scenarios.expectations.wording import to_text


def is_same_figure(exact: Decimal, rounded: Decimal) -> bool:
    """Whether `rounded` is `exact`, rounded to as few places as it has."""
    places = max(0, -int(rounded.as_tuple().exponent))
    return round(exact, places) == round(rounded, places)


def tool_figures(trace: Trace, agent: str, tool: str) -> list[Figure]:
    """The figures that a tool returned to an agent."""
    results = [tool_result(call) for call in calls_of(trace, agent, tool)]
    return [figure for result in results for figure in extract_figures(result)]


def stated_figures(trace: Trace, agent: str) -> list[Figure]:
    """The figures in all outputs of an agent."""
    outputs = [to_text(turn.outputs) for turn in trace.turns(agent)]
    return [figure for output in outputs for figure in extract_figures(output)]


def matching_pairs(
    returned: list[Figure], trace: Trace, agent: str
) -> Iterator[tuple[Figure, Figure]]:
    """Each returned figure with each stated figure that is the same number, perhaps rounded."""
    stated = stated_figures(trace, agent)
    return ((one, other) for one in returned for other in stated if other.covers(one.value))


def format_figures(figures: list[Figure]) -> str:
    """Figures in a sentence, each with its period."""
    return ", ".join(f"{one.text} per {one.period or '?'}" for one in figures) or "no figure"
