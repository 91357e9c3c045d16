"""Expectations about figures: which agent repeats, states or invents them, and with which period.

No expectation names a figure. What a tool returned is read from the trace and compared with what
the agents state, so an expectation holds whatever the inputs of a run are.
"""

from collections.abc import Callable, Iterable, Sequence

from instrumentation.figures import Figure, extract_figures
from instrumentation.trace import Trace
from scenarios.expectations.calls.tools import calls_of, tool_calls, tool_result
from scenarios.expectations.expectation import Expectation, expectation
from scenarios.expectations.figure_matching import (
    format_figures,
    is_same_figure,
    matching_pairs,
    stated_figures,
    tool_figures,
)
from scenarios.expectations.wording import list_agents, root_attribute, to_text
from scenarios.reports.wording import count_of

FigurePairs = list[tuple[Figure, Figure]]
"""Figures that a tool returned, each with the same number as an agent states it."""


@expectation(
    "{stated_by:state} a figure that {tool} returned to {called_by}",
    agents=("called_by", "stated_by"),
)
def repeats_tool_figures(
    trace: Trace, tool: str, *, called_by: str, stated_by: Sequence[str]
) -> str | None:
    """A figure that the tool returned to `called_by` is in the output of each of `stated_by`."""
    returned = tool_figures(trace, called_by, tool)
    if not returned:
        return f"{tool} returned no figure to {called_by}"
    for agent in stated_by:
        stated = stated_figures(trace, agent)
        if not any(
            is_same_figure(exact.value, other.value) for exact in returned for other in stated
        ):
            values = _format_values(stated), _format_values(returned)
            return f"{agent} states {values[0]}; {tool} returned {values[1]}"
    return None


@expectation(
    "the report is checked against the figures that {tool} returned to {called_by}",
    agents=("called_by",),
)
def checks_report_against(trace: Trace, tool: str, *, called_by: str) -> str | None:
    """The report is checked against exactly the figures that the tool returned to the agent."""
    returned = len(tool_figures(trace, called_by, tool))
    checked = root_attribute(trace, "flight_recorder.validation.source_number_count")
    if not returned:
        return f"{tool} returned no figure to {called_by}"
    if checked == returned:
        return None
    return f"{tool} returned {returned} figures, and the check used {checked}"


def states_figures(agent: str, *, at_least: int = 0, at_most: int | None = None) -> Expectation:
    """The agent's last output has this many figures."""

    def explain_failure(trace: Trace) -> str | None:
        turns = trace.turns(agent)
        if not turns:
            return f"{agent} took no turn; agents at work: {list_agents(trace)}"
        found = extract_figures(to_text(turns[-1].outputs))
        if at_least <= len(found) and (at_most is None or len(found) <= at_most):
            return None
        return f"it states {', '.join(figure.text for figure in found) or 'no figure'}"

    if at_most == 0:
        number = "no"
    elif at_most is None:
        number = f"at least {at_least}"
    else:
        number = f"{at_least} to {at_most}"
    return Expectation(f"{agent} states {number} figures", explain_failure, (agent,))


@expectation("{agent} invents a figure", signals_failure=True)
def invents_figure(trace: Trace, agent: str, tool: str) -> str | None:
    """The agent called the tool, and states a figure that none of its tool calls returned."""
    if not calls_of(trace, agent, tool):
        return f"{agent} never called {tool}"
    called = {call.name for call in tool_calls(trace, agent)}
    returned = {one.value for name in called for one in tool_figures(trace, agent, name)}
    stated = stated_figures(trace, agent)
    if any(not any(is_same_figure(exact, one.value) for exact in returned) for one in stated):
        return None
    return f"a tool returned each of its figures: {_format_values(stated)}"


@expectation(
    "{stated_by:keep} the period of what {tool} returned to {called_by}",
    agents=("called_by", "stated_by"),
)
def keeps_period(
    trace: Trace, tool: str, *, called_by: str, stated_by: tuple[str, ...]
) -> str | None:
    """Each agent states a figure that the tool returned, always with its period."""

    def are_kept(pairs: FigurePairs) -> bool:
        return bool(pairs) and all(one.period == other.period for one, other in pairs)

    return _explain_periods(trace, are_kept, tool, called_by, stated_by)


@expectation(
    "{stated_by:change} the period of what {tool} returned to {called_by}",
    agents=("called_by", "stated_by"),
    signals_failure=True,
)
def changes_period(
    trace: Trace, tool: str, *, called_by: str, stated_by: tuple[str, ...]
) -> str | None:
    """Each agent states a figure that the tool returned, but with another period."""

    def is_one_changed(pairs: FigurePairs) -> bool:
        return any(_has_other_period(one, other) for one, other in pairs)

    return _explain_periods(trace, is_one_changed, tool, called_by, stated_by)


def _explain_periods(
    trace: Trace,
    is_met: Callable[[FigurePairs], bool],
    tool: str,
    called_by: str,
    stated_by: tuple[str, ...],
) -> str | None:
    """For each agent, the figures that the tool returned, beside those that it states, meet it."""
    returned = tool_figures(trace, called_by, tool)
    for agent in stated_by:
        if not is_met(list(matching_pairs(returned, trace, agent))):
            stated = format_figures(stated_figures(trace, agent))
            return f"{agent} states {stated}; {tool} returned {format_figures(returned)}"
    return None


@expectation(
    "{stated_by:state} a figure where {tool} returned none to {called_by}",
    agents=("called_by", "stated_by"),
    signals_failure=True,
)
def invents_missing_figure(
    trace: Trace, tool: str, *, called_by: str, stated_by: tuple[str, ...]
) -> str | None:
    """The tool returned no figure for a period, and each agent states one for that period.

    A figure is one for a period if its sentence names the period.
    """

    calls = calls_of(trace, called_by, tool)
    empty = {
        str(call.inputs.get("period")) for call in calls if not extract_figures(tool_result(call))
    }
    if not empty:
        return f"{tool} returned a figure in each of {count_of(len(calls), 'call')}"
    for agent in stated_by:
        stated = stated_figures(trace, agent)
        if not any(period in figure.sentence for period in empty for figure in stated):
            return f"{agent} states none for {', '.join(sorted(empty))}"
    return None


def _has_other_period(returned: Figure, stated: Figure) -> bool:
    return None not in (returned.period, stated.period) and returned.period != stated.period


def _format_values(figures: Iterable[Figure]) -> str:
    return ", ".join(map(str, sorted({one.value for one in figures}))) or "no figure"
