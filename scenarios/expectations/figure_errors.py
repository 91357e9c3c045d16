"""An expectation of a figure that goes astray: what was wrong with it, and who passed it on.

None of them names a figure, nor how it is written: both are read from the trace.
"""

from collections.abc import Iterator

from instrumentation.figures.figure_check import Figure, extract_figures
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import tool_calls, tool_result
from scenarios.expectations.wording import list_agents, pluralize, to_text


def changes_period(tool: str, *, called_by: str, stated_by: tuple[str, ...]) -> Expectation:
    """What the tool told the agent `of` of one period, each agent in `by` states of another."""

    def why_not(trace: Trace) -> str | None:
        told = _tool_figures(trace, called_by, tool)
        for agent in stated_by:
            if not any(
                _has_other_period(one, other) for one, other in _matching_pairs(told, trace, agent)
            ):
                return f"{agent} says {_format_figures(_stated_figures(trace, agent))}; {tool} said {_format_figures(told)}"
        return None

    says = f"what {tool} told {called_by} of one period is of another for {', '.join(stated_by)}"
    return Expectation(says, why_not, (called_by, *stated_by), signals_failure=True)


def keeps_period(tool: str, *, called_by: str, stated_by: tuple[str, ...]) -> Expectation:
    """What the tool told the agent `of` each agent in `by` states, and of that very period."""

    def why_not(trace: Trace) -> str | None:
        told = _tool_figures(trace, called_by, tool)
        for agent in stated_by:
            pairs = list(_matching_pairs(told, trace, agent))
            if not pairs or any(one.period != other.period for one, other in pairs):
                return f"{agent} says {_format_figures(_stated_figures(trace, agent))}; {tool} said {_format_figures(told)}"
        return None

    says = f"what {tool} told {called_by} keeps its period with {', '.join(stated_by)}"
    return Expectation(says, why_not, (called_by, *stated_by))


def repeats_guess(author: str, *, stated_by: tuple[str, ...]) -> Expectation:
    """A figure that the author noted on no ground at all is stated by each agent in `by`."""

    def why_not(trace: Trace) -> str | None:
        guesses = [
            figure
            for span in trace.spans_of_type("STATE")
            if span.attributes.get("flight_recorder.state.author") == author
            and span.attributes.get("flight_recorder.state.grounded") is False
            and span.name.startswith("write ")
            for figure in extract_figures(to_text(span.inputs.get("value")))
        ]
        if not guesses:
            return f"{author} noted no figure without grounds; agents: {list_agents(trace)}"
        for agent in stated_by:
            if not any(_matching_pairs(guesses, trace, agent)):
                return f"{agent} says {_format_figures(_stated_figures(trace, agent))}, not {_format_figures(guesses)}"
        return None

    says = f"what {author} noted without grounds is stated by {', '.join(stated_by)}"
    return Expectation(says, why_not, (author, *stated_by), signals_failure=True)


def invents_missing_figure(tool: str, *, called_by: str, stated_by: tuple[str, ...]) -> Expectation:
    """The tool told the agent `of` no figure for a period, and each agent in `by` states one for
    it: a sentence that names the period holds a figure."""

    def why_not(trace: Trace) -> str | None:
        asked = [span for span in tool_calls(trace, called_by) if span.name == tool]
        empty = {str(s.inputs.get("period")) for s in asked if not extract_figures(tool_result(s))}
        if not empty:
            return f"{tool} told {called_by} a figure each time ({pluralize(len(asked), 'call')})"
        for agent in stated_by:
            said = _stated_figures(trace, agent)
            if not any(period in figure.sentence for period in empty for figure in said):
                return f"{agent} gives none for {', '.join(sorted(empty))}"
        return None

    says = f"where {tool} told {called_by} nothing, {', '.join(stated_by)} state a figure"
    return Expectation(says, why_not, (called_by, *stated_by), signals_failure=True)


def _tool_figures(trace: Trace, agent: str, tool: str) -> list[Figure]:
    results = [tool_result(span) for span in tool_calls(trace, agent) if span.name == tool]
    return [figure for told in results for figure in extract_figures(told)]


def _stated_figures(trace: Trace, agent: str) -> list[Figure]:
    return [
        figure for turn in trace.turns(agent) for figure in extract_figures(to_text(turn.outputs))
    ]


def _matching_pairs(
    returned: list[Figure], trace: Trace, agent: str
) -> Iterator[tuple[Figure, Figure]]:
    """Each figure that was told, with each of the agent's that is the same number, as rounded."""
    said = _stated_figures(trace, agent)
    return ((one, other) for one in returned for other in said if other.covers(one.value))


def _has_other_period(returned: Figure, stated: Figure) -> bool:
    return None not in (returned.period, stated.period) and returned.period != stated.period


def _format_figures(found: list[Figure]) -> str:
    return ", ".join(f"{one.text} per {one.period or '?'}" for one in found) or "no figure"
