"""An expectation of figures: where they come from, who passes them on, and what becomes of them.

None of them names a figure. What a tool said is read from the trace, and what agents made of it is
held against that, so that an expectation holds for any value that a run may be about.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from instrumentation.figures.figure_check import figures
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import result, tools
from scenarios.expectations.wording import agents, because, counted, measured, short, text


def measures(attribute: str, value: Any) -> Expectation:
    """The root bears this attribute with this value."""

    def why_not(trace: Trace) -> str | None:
        seen = measured(trace, attribute)
        return None if seen == value else f"it is {seen!r}"

    return Expectation(f"measures {attribute} as {value!r}", why_not)


def repeats(tool: str, *, of: str, by: Iterable[str]) -> Expectation:
    """A figure that the tool told the agent `of` stands in the output of each agent in `by`."""
    those = tuple(by)

    def why_not(trace: Trace) -> str | None:
        told = _told(trace, of, tool)
        if not told:
            return f"{tool} told {of} no figure"
        for agent in those:
            said = {figure.value for figure in figures(_outputs(trace, agent))}
            if not any(same(one, other) for one in told for other in said):
                return f"{agent} says {_list(said)}, and {tool} said {_list(told)}"
        return None

    says = f"what {tool} told {of} is repeated by {', '.join(those)}"
    return Expectation(says, why_not, (of, *those))


def checks_against(tool: str, *, of: str) -> Expectation:
    """The figures that the report is held against are those that the tool told the agent `of`, and
    none that an agent stated."""

    def why_not(trace: Trace) -> str | None:
        results = [result(span) for span in tools(trace, of) if span.name == tool]
        told = sum(len(figures(one)) for one in results)
        seen = measured(trace, "validation.source_number_count")
        if not told:
            return f"{tool} told {of} no figure"
        return None if seen == told else f"it told {told}, and the check had {seen}"

    return Expectation(f"the report is checked against what {tool} told {of}", why_not, (of,))


def states(agent: str, *, figures_at_least: int = 0, figures_at_most: int = 10**6) -> Expectation:
    """The last output of the agent holds so many figures."""

    def why_not(trace: Trace) -> str | None:
        turns = trace.turns(agent)
        if not turns:
            return f"{agent} took no turn; agents: {agents(trace)}"
        found = figures(text(turns[-1].outputs))
        if figures_at_least <= len(found) <= figures_at_most:
            return None
        return f"it states {', '.join(figure.text for figure in found) or 'none'}"

    bound = f"{figures_at_least} to {figures_at_most}"
    bound = f"at least {figures_at_least}" if figures_at_most == 10**6 else bound
    bound = "no" if figures_at_most == 0 else bound
    return Expectation(f"{agent} states {bound} figures", why_not, (agent,))


def makes_up(agent: str, tool: str) -> Expectation:
    """The agent states a figure that none of its tool calls told, though it called this tool."""

    def why_not(trace: Trace) -> str | None:
        if not any(span.name == tool for span in tools(trace, agent)):
            return f"{agent} never called {tool}"
        told = {value for name in _called(trace, agent) for value in _told(trace, agent, name)}
        said = {figure.value for figure in figures(_outputs(trace, agent))}
        made_up = [one for one in said if not any(same(other, one) for other in told)]
        return None if made_up else f"each of its figures was told: {_list(said)}"

    return Expectation(f"{agent} makes up a figure", why_not, (agent,), alarming=True)


def notes(agent: str, *, grounded: bool, times: int = 1) -> Expectation:
    """The agent writes to the shared state so many times, with or without a tool's result."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in _state(trace, "write") if _by(span, agent)]
        seen = [span for span in mine if span.attributes.get("state.grounded") is grounded]
        if len(seen) == times:
            return None
        return f"{counted(len(seen), 'such write')} of {len(mine)}"

    how = "with grounds" if grounded else "without grounds"
    return Expectation(f"{agent} notes {how}, {counted(times, 'time')}", why_not, (agent,))


def recalls(agent: str, *, answered: str) -> Expectation:
    """What the agent reads from the shared state is told in words that bear this pattern."""

    def why_not(trace: Trace) -> str | None:
        reading = [
            tool
            for tool in tools(trace, agent)
            if any(span.type == "STATE" and span.name.startswith("read ") for span in tool)
        ]
        if not reading:
            return f"{agent} read nothing"
        other = [tool for tool in reading if not re.search(answered, result(tool))]
        return f"it was told {short(result(other[0]))}{because(other[0])}" if other else None

    return Expectation(f"{agent} recalls /{answered}/", why_not, (agent,))


def _told(trace: Trace, agent: str, tool: str) -> set[Decimal]:
    said = "\n".join(result(span) for span in tools(trace, agent) if span.name == tool)
    return {figure.value for figure in figures(said)}


def _called(trace: Trace, agent: str) -> set[str]:
    return {span.name for span in tools(trace, agent)}


def _outputs(trace: Trace, agent: str) -> str:
    return "\n".join(text(turn.outputs) for turn in trace.turns(agent))


def _state(trace: Trace, verb: str) -> list[Span]:
    return [span for span in trace.of_type("STATE") if span.name.startswith(f"{verb} ")]


def _by(write: Span, agent: str) -> bool:
    return write.attributes.get("state.author") == agent


def same(exact: Decimal, told: Decimal) -> bool:
    """Whether one figure is the other, rounded to as few places as the told one has."""
    places = max(0, -int(told.as_tuple().exponent))
    return round(exact, places) == round(told, places)


def _list(values: Iterable[Decimal]) -> str:
    return ", ".join(map(str, sorted(values))) or "none"
