"""Expectations about figures: which agent repeats, states or invents them.

No expectation names a figure. What a tool returned is read from the trace and compared with what
the agents state, so an expectation holds whatever the inputs of a run are.
"""

from collections.abc import Iterable
from decimal import Decimal

from instrumentation.figures import extract_figures
from instrumentation.trace import Trace
from scenarios.expectations.expectation import Expectation
from scenarios.expectations.tools import calls_of, tool_calls, tool_result
from scenarios.expectations.wording import (
    list_agents,
    root_attribute,
    subject,
    to_text,
)


def repeats_tool_figures(tool: str, *, called_by: str, stated_by: Iterable[str]) -> Expectation:
    """A figure that the tool returned to `called_by` is in the output of each of `stated_by`."""
    agents = tuple(stated_by)

    def explain_failure(trace: Trace) -> str | None:
        returned = _tool_figures(trace, called_by, tool)
        if not returned:
            return f"{tool} returned no figure to {called_by}"
        for agent in agents:
            stated = _stated_figures(trace, agent)
            if not any(is_same_figure(exact, other) for exact in returned for other in stated):
                return f"{agent} states {_format(stated)}; {tool} returned {_format(returned)}"
        return None

    return Expectation(
        f"{subject(agents, 'state')} a figure that {tool} returned to {called_by}",
        explain_failure,
        (called_by, *agents),
    )


def checks_report_against(tool: str, *, called_by: str) -> Expectation:
    """The report is checked against exactly the figures that the tool returned to the agent."""

    def explain_failure(trace: Trace) -> str | None:
        results = [tool_result(call) for call in calls_of(trace, called_by, tool)]
        returned = sum(len(extract_figures(result)) for result in results)
        checked = root_attribute(trace, "flight_recorder.validation.source_number_count")
        if not returned:
            return f"{tool} returned no figure to {called_by}"
        if checked == returned:
            return None
        return f"{tool} returned {returned} figures, and the check used {checked}"

    return Expectation(
        f"the report is checked against the figures that {tool} returned to {called_by}",
        explain_failure,
        (called_by,),
    )


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


def invents_figure(agent: str, tool: str) -> Expectation:
    """The agent called the tool, and states a figure that none of its tool calls returned."""

    def explain_failure(trace: Trace) -> str | None:
        if not calls_of(trace, agent, tool):
            return f"{agent} never called {tool}"
        called = {call.name for call in tool_calls(trace, agent)}
        returned = {value for name in called for value in _tool_figures(trace, agent, name)}
        stated = _stated_figures(trace, agent)
        if any(not any(is_same_figure(exact, one) for exact in returned) for one in stated):
            return None
        return f"a tool returned each of its figures: {_format(stated)}"

    return Expectation(f"{agent} invents a figure", explain_failure, (agent,), signals_failure=True)


def is_same_figure(exact: Decimal, rounded: Decimal) -> bool:
    """Whether `rounded` is `exact`, rounded to as few places as it has."""
    places = max(0, -int(rounded.as_tuple().exponent))
    return round(exact, places) == round(rounded, places)


def _tool_figures(trace: Trace, agent: str, tool: str) -> set[Decimal]:
    results = "\n".join(tool_result(call) for call in calls_of(trace, agent, tool))
    return {figure.value for figure in extract_figures(results)}


def _stated_figures(trace: Trace, agent: str) -> set[Decimal]:
    outputs = "\n".join(to_text(turn.outputs) for turn in trace.turns(agent))
    return {figure.value for figure in extract_figures(outputs)}


def _format(values: Iterable[Decimal]) -> str:
    return ", ".join(map(str, sorted(values))) or "no figure"
