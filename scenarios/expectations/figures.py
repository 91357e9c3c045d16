"""An expectation of figures: where they come from, who passes them on, and what becomes of them.

None of them names a figure. What a tool said is read from the trace, and what agents made of it is
held against that, so that an expectation holds for any value that a run may be about.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from instrumentation.figures.figure_check import extract_figures
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import tool_calls, tool_result
from scenarios.expectations.wording import (
    error_suffix,
    list_agents,
    pluralize,
    root_attribute,
    shorten,
    to_text,
)


def has_root_attribute(attribute: str, value: Any) -> Expectation:
    """The root bears this attribute with this value."""

    def why_not(trace: Trace) -> str | None:
        seen = root_attribute(trace, attribute)
        return None if seen == value else f"it is {seen!r}"

    return Expectation(f"measures {attribute} as {value!r}", why_not)


def repeats_tool_figures(tool: str, *, called_by: str, stated_by: Iterable[str]) -> Expectation:
    """A figure that the tool told the agent `of` stands in the output of each agent in `by`."""
    those = tuple(stated_by)

    def why_not(trace: Trace) -> str | None:
        told = _tool_figures(trace, called_by, tool)
        if not told:
            return f"{tool} told {called_by} no figure"
        for agent in those:
            said = {figure.value for figure in extract_figures(_agent_output(trace, agent))}
            if not any(is_same_figure(one, other) for one in told for other in said):
                return (
                    f"{agent} says {_format_figures(said)}, and {tool} said {_format_figures(told)}"
                )
        return None

    says = f"what {tool} told {called_by} is repeated by {', '.join(those)}"
    return Expectation(says, why_not, (called_by, *those))


def checks_report_against(tool: str, *, called_by: str) -> Expectation:
    """The figures that the report is held against are those that the tool told the agent `of`, and
    none that an agent stated."""

    def why_not(trace: Trace) -> str | None:
        results = [tool_result(span) for span in tool_calls(trace, called_by) if span.name == tool]
        told = sum(len(extract_figures(one)) for one in results)
        seen = root_attribute(trace, "flight_recorder.validation.source_number_count")
        if not told:
            return f"{tool} told {called_by} no figure"
        return None if seen == told else f"it told {told}, and the check had {seen}"

    return Expectation(
        f"the report is checked against what {tool} told {called_by}", why_not, (called_by,)
    )


def states_figures(agent: str, *, at_least: int = 0, at_most: int = 10**6) -> Expectation:
    """The last output of the agent holds so many figures."""

    def why_not(trace: Trace) -> str | None:
        turns = trace.turns(agent)
        if not turns:
            return f"{agent} took no turn; agents: {list_agents(trace)}"
        found = extract_figures(to_text(turns[-1].outputs))
        if at_least <= len(found) <= at_most:
            return None
        return f"it states {', '.join(figure.text for figure in found) or 'none'}"

    bound = f"{at_least} to {at_most}"
    bound = f"at least {at_least}" if at_most == 10**6 else bound
    bound = "no" if at_most == 0 else bound
    return Expectation(f"{agent} states {bound} figures", why_not, (agent,))


def invents_figure(agent: str, tool: str) -> Expectation:
    """The agent states a figure that none of its tool calls told, though it called this tool."""

    def why_not(trace: Trace) -> str | None:
        if not any(span.name == tool for span in tool_calls(trace, agent)):
            return f"{agent} never called {tool}"
        told = {
            value
            for name in _called_tools(trace, agent)
            for value in _tool_figures(trace, agent, name)
        }
        said = {figure.value for figure in extract_figures(_agent_output(trace, agent))}
        made_up = [one for one in said if not any(is_same_figure(other, one) for other in told)]
        return None if made_up else f"each of its figures was told: {_format_figures(said)}"

    return Expectation(f"{agent} makes up a figure", why_not, (agent,), signals_failure=True)


def writes_state(agent: str, *, grounded: bool, times: int = 1) -> Expectation:
    """The agent writes to the shared state so many times, with or without a tool's result."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in _state_spans(trace, "write") if _is_written_by(span, agent)]
        seen = [
            span
            for span in mine
            if span.attributes.get("flight_recorder.state.grounded") is grounded
        ]
        if len(seen) == times:
            return None
        return f"{pluralize(len(seen), 'such write')} of {len(mine)}"

    how = "with grounds" if grounded else "without grounds"
    return Expectation(f"{agent} notes {how}, {pluralize(times, 'time')}", why_not, (agent,))


def reads_state(agent: str, *, returning: str) -> Expectation:
    """What the agent reads from the shared state is told in words that bear this pattern."""

    def why_not(trace: Trace) -> str | None:
        reading = [
            tool
            for tool in tool_calls(trace, agent)
            if any(span.type == "STATE" and span.name.startswith("read ") for span in tool)
        ]
        if not reading:
            return f"{agent} read nothing"
        other = [tool for tool in reading if not re.search(returning, tool_result(tool))]
        return (
            f"it was told {shorten(tool_result(other[0]))}{error_suffix(other[0])}"
            if other
            else None
        )

    return Expectation(f"{agent} recalls /{returning}/", why_not, (agent,))


def _tool_figures(trace: Trace, agent: str, tool: str) -> set[Decimal]:
    said = "\n".join(tool_result(span) for span in tool_calls(trace, agent) if span.name == tool)
    return {figure.value for figure in extract_figures(said)}


def _called_tools(trace: Trace, agent: str) -> set[str]:
    return {span.name for span in tool_calls(trace, agent)}


def _agent_output(trace: Trace, agent: str) -> str:
    return "\n".join(to_text(turn.outputs) for turn in trace.turns(agent))


def _state_spans(trace: Trace, verb: str) -> list[Span]:
    return [span for span in trace.spans_of_type("STATE") if span.name.startswith(f"{verb} ")]


def _is_written_by(write: Span, agent: str) -> bool:
    return write.attributes.get("flight_recorder.state.author") == agent


def is_same_figure(exact: Decimal, rounded: Decimal) -> bool:
    """Whether one figure is the other, rounded to as few places as the told one has."""
    places = max(0, -int(rounded.as_tuple().exponent))
    return round(exact, places) == round(rounded, places)


def _format_figures(values: Iterable[Decimal]) -> str:
    return ", ".join(map(str, sorted(values))) or "none"
