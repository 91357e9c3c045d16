"""An expectation of a figure that goes astray: what was wrong with it, and who passed it on.

None of them names a figure, nor how it is written: both are read from the trace.
"""

from collections.abc import Iterator

from instrumentation.figures.figure_check import Figure, figures
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import result, tools
from scenarios.expectations.wording import agents, counted, text


def changes_period(tool: str, *, of: str, by: tuple[str, ...]) -> Expectation:
    """What the tool told the agent `of` of one period, each agent in `by` states of another."""

    def why_not(trace: Trace) -> str | None:
        told = _told(trace, of, tool)
        for agent in by:
            if not any(_other_period(one, other) for one, other in _pairs(told, trace, agent)):
                return f"{agent} says {_list(_said(trace, agent))}; {tool} said {_list(told)}"
        return None

    says = f"what {tool} told {of} of one period is of another for {', '.join(by)}"
    return Expectation(says, why_not, (of, *by), alarming=True)


def keeps_period(tool: str, *, of: str, by: tuple[str, ...]) -> Expectation:
    """What the tool told the agent `of` each agent in `by` states, and of that very period."""

    def why_not(trace: Trace) -> str | None:
        told = _told(trace, of, tool)
        for agent in by:
            pairs = list(_pairs(told, trace, agent))
            if not pairs or any(one.period != other.period for one, other in pairs):
                return f"{agent} says {_list(_said(trace, agent))}; {tool} said {_list(told)}"
        return None

    says = f"what {tool} told {of} keeps its period with {', '.join(by)}"
    return Expectation(says, why_not, (of, *by))


def passes_on_a_guess(author: str, *, by: tuple[str, ...]) -> Expectation:
    """A figure that the author noted on no ground at all is stated by each agent in `by`."""

    def why_not(trace: Trace) -> str | None:
        guesses = [
            figure
            for span in trace.of_type("STATE")
            if span.attributes.get("state.author") == author
            and span.attributes.get("state.grounded") is False
            and span.name.startswith("write ")
            for figure in figures(text(span.inputs.get("value")))
        ]
        if not guesses:
            return f"{author} noted no figure without grounds; agents: {agents(trace)}"
        for agent in by:
            if not any(_pairs(guesses, trace, agent)):
                return f"{agent} says {_list(_said(trace, agent))}, not {_list(guesses)}"
        return None

    says = f"what {author} noted without grounds is stated by {', '.join(by)}"
    return Expectation(says, why_not, (author, *by), alarming=True)


def fills_in(tool: str, *, of: str, by: tuple[str, ...]) -> Expectation:
    """The tool told the agent `of` no figure for a period, and each agent in `by` states one for
    it: a sentence that names the period holds a figure."""

    def why_not(trace: Trace) -> str | None:
        asked = [span for span in tools(trace, of) if span.name == tool]
        empty = {str(s.inputs.get("period")) for s in asked if not figures(result(s))}
        if not empty:
            return f"{tool} told {of} a figure each time ({counted(len(asked), 'call')})"
        for agent in by:
            said = _said(trace, agent)
            if not any(period in figure.sentence for period in empty for figure in said):
                return f"{agent} gives none for {', '.join(sorted(empty))}"
        return None

    says = f"where {tool} told {of} nothing, {', '.join(by)} state a figure"
    return Expectation(says, why_not, (of, *by), alarming=True)


def _told(trace: Trace, agent: str, tool: str) -> list[Figure]:
    results = [result(span) for span in tools(trace, agent) if span.name == tool]
    return [figure for told in results for figure in figures(told)]


def _said(trace: Trace, agent: str) -> list[Figure]:
    return [figure for turn in trace.turns(agent) for figure in figures(text(turn.outputs))]


def _pairs(told: list[Figure], trace: Trace, agent: str) -> Iterator[tuple[Figure, Figure]]:
    """Each figure that was told, with each of the agent's that is the same number, as rounded."""
    said = _said(trace, agent)
    return ((one, other) for one in told for other in said if other.covers(one.value))


def _other_period(told: Figure, said: Figure) -> bool:
    return None not in (told.period, said.period) and told.period != said.period


def _list(found: list[Figure]) -> str:
    return ", ".join(f"{one.text} per {one.period or '?'}" for one in found) or "no figure"
