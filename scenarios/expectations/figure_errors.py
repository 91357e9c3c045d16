"""Expectations about wrong figures: a wrong period, a repeated guess, a figure for missing data.

No expectation names a figure. What a tool returned is read from the trace and compared with what
the agents state.
"""

from collections.abc import Iterator

from instrumentation.figures import Figure, extract_figures
from instrumentation.trace import Trace
from scenarios.expectations.expectation import Expectation
from scenarios.expectations.tools import calls_of, tool_result
from scenarios.expectations.wording import (
    list_agents,
    pluralize,
    subject,
    to_text,
)


def keeps_period(tool: str, *, called_by: str, stated_by: tuple[str, ...]) -> Expectation:
    """Each agent states a figure that the tool returned, always with its period."""

    def explain_failure(trace: Trace) -> str | None:
        returned = _tool_figures(trace, called_by, tool)
        for agent in stated_by:
            pairs = list(_matching_pairs(returned, trace, agent))
            if not pairs or any(one.period != other.period for one, other in pairs):
                return _describe(trace, agent, tool, returned)
        return None

    return Expectation(
        f"{subject(stated_by, 'keep')} the period of what {tool} returned to {called_by}",
        explain_failure,
        (called_by, *stated_by),
    )


def changes_period(tool: str, *, called_by: str, stated_by: tuple[str, ...]) -> Expectation:
    """Each agent states a figure that the tool returned, but with another period."""

    def explain_failure(trace: Trace) -> str | None:
        returned = _tool_figures(trace, called_by, tool)
        for agent in stated_by:
            pairs = _matching_pairs(returned, trace, agent)
            if not any(_has_other_period(one, other) for one, other in pairs):
                return _describe(trace, agent, tool, returned)
        return None

    return Expectation(
        f"{subject(stated_by, 'change')} the period of what {tool} returned to {called_by}",
        explain_failure,
        (called_by, *stated_by),
        signals_failure=True,
    )


def repeats_guess(author: str, *, stated_by: tuple[str, ...]) -> Expectation:
    """Each agent states a figure that the author wrote to the shared state without a source."""

    def explain_failure(trace: Trace) -> str | None:
        guesses = [
            figure
            for span in trace.spans_of_type("STATE")
            if span.attributes.get("flight_recorder.state.author") == author
            and span.attributes.get("flight_recorder.state.grounded") is False
            and span.name.startswith("write ")
            for figure in extract_figures(to_text(span.inputs.get("value")))
        ]
        if not guesses:
            return f"{author} wrote no ungrounded figure; agents at work: {list_agents(trace)}"
        for agent in stated_by:
            if not any(_matching_pairs(guesses, trace, agent)):
                stated = _format(_stated_figures(trace, agent))
                return f"{agent} states {stated}, not {_format(guesses)}"
        return None

    return Expectation(
        f"{subject(stated_by, 'state')} a figure that {author} wrote without a source",
        explain_failure,
        (author, *stated_by),
        signals_failure=True,
    )


def invents_missing_figure(tool: str, *, called_by: str, stated_by: tuple[str, ...]) -> Expectation:
    """The tool returned no figure for a period, and each agent states one for that period.

    A figure is one for a period if its sentence names the period.
    """

    def explain_failure(trace: Trace) -> str | None:
        calls = calls_of(trace, called_by, tool)
        empty = {
            str(call.inputs.get("period"))
            for call in calls
            if not extract_figures(tool_result(call))
        }
        if not empty:
            return f"{tool} returned a figure in each of {pluralize(len(calls), 'call')}"
        for agent in stated_by:
            stated = _stated_figures(trace, agent)
            if not any(period in figure.sentence for period in empty for figure in stated):
                return f"{agent} states none for {', '.join(sorted(empty))}"
        return None

    return Expectation(
        f"{subject(stated_by, 'state')} a figure where {tool} returned none to {called_by}",
        explain_failure,
        (called_by, *stated_by),
        signals_failure=True,
    )


def _tool_figures(trace: Trace, agent: str, tool: str) -> list[Figure]:
    results = [tool_result(call) for call in calls_of(trace, agent, tool)]
    return [figure for result in results for figure in extract_figures(result)]


def _stated_figures(trace: Trace, agent: str) -> list[Figure]:
    outputs = [to_text(turn.outputs) for turn in trace.turns(agent)]
    return [figure for output in outputs for figure in extract_figures(output)]


def _matching_pairs(
    returned: list[Figure], trace: Trace, agent: str
) -> Iterator[tuple[Figure, Figure]]:
    """Each returned figure with each stated figure that is the same number, perhaps rounded."""
    stated = _stated_figures(trace, agent)
    return ((one, other) for one in returned for other in stated if other.covers(one.value))


def _has_other_period(returned: Figure, stated: Figure) -> bool:
    return None not in (returned.period, stated.period) and returned.period != stated.period


def _describe(trace: Trace, agent: str, tool: str, returned: list[Figure]) -> str:
    stated = _format(_stated_figures(trace, agent))
    return f"{agent} states {stated}; {tool} returned {_format(returned)}"


def _format(figures: list[Figure]) -> str:
    return ", ".join(f"{one.text} per {one.period or '?'}" for one in figures) or "no figure"
