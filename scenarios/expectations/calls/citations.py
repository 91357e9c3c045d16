"""Expectations about the sources of a search agent's answer: searched, cited, and supporting it.

No expectation names a figure: all are read from the trace. Search results are known by numbers that
count on over all calls of a run, as the agent reads them: `[1] title (source)`, followed by the
text.
"""

from instrumentation.figures import UnsupportedFigure, check_figures, extract_figures
from instrumentation.trace import Span, Trace
from scenarios.expectations.calls.tools import spans_of, task_of, tool_calls
from scenarios.expectations.expectation import expectation
from scenarios.expectations.wording import list_agents, shorten, to_text
from scenarios.reports.wording import count_of
from workflows.support.search.checks import cited_numbers


@expectation("{agent} states a figure without a search", signals_failure=True)
def claims_figure_without_search(trace: Trace, agent: str) -> str | None:
    """The agent made no search, and its answer has a figure that its task does not have."""
    turns = trace.turns(agent)
    if not turns:
        return f"{agent} took no turn; agents at work: {list_agents(trace)}"
    if searches := [call for call in tool_calls(trace, agent) if not call.failed]:
        return f"{agent} made {count_of(len(searches), 'search')}"
    if any(check_figures(_answer(turn), [task_of(turn)]).unsupported for turn in turns):
        return None
    return f"its task has each figure of its answer: {shorten(_answer(turns[-1]))}"


@expectation("the sources that {agent} cites support its figures")
def cites_supporting_sources(trace: Trace, agent: str) -> str | None:
    """The answer has figures, and the results cited in their sentences support them."""
    unsupported = _find_unsupported(trace, agent)
    if isinstance(unsupported, str):
        return unsupported
    if not unsupported:
        return None
    return f"the cited results do not support {'; '.join(map(str, unsupported))}"


@expectation("a source that {agent} cites does not support its figure", signals_failure=True)
def cites_unsupporting_sources(trace: Trace, agent: str) -> str | None:
    """A sentence of the answer has a figure that the results cited there do not support."""
    unsupported = _find_unsupported(trace, agent)
    if isinstance(unsupported, str):
        return unsupported
    return None if unsupported else "the cited results support each figure"


def _find_unsupported(trace: Trace, agent: str) -> list[UnsupportedFigure] | str:
    """The figures that neither the task nor the results cited in their sentences support.

    Returns a sentence if there is nothing to compare.
    """
    completions = spans_of(trace, agent, "LLM")
    if not completions:
        return f"{agent} made no completion; agents at work: {list_agents(trace)}"
    turn, results = trace.turns(agent)[-1], _numbered_results(completions[-1])
    sentences = dict.fromkeys(figure.sentence for figure in extract_figures(_answer(turn)))
    cited = {sentence: sorted(cited_numbers(sentence)) for sentence in sentences}
    if not any(cited.values()):
        return f"no figure has a citation beside it: {shorten(_answer(turn))}"
    sources = {
        sentence: [task_of(turn), *(results.get(number, "") for number in numbers)]
        for sentence, numbers in cited.items()
    }
    return [
        figure
        for sentence in sentences
        for figure in check_figures(sentence, sources[sentence]).unsupported
    ]


def _numbered_results(completion: Span) -> dict[int, str]:
    """The search results in a completion's prompt, by their numbers."""
    replies = [
        message for message in completion.inputs["messages"] if message.get("role") == "tool"
    ]
    rest = "\n".join(["", *(to_text(reply.get("content")) for reply in replies)])
    found: dict[int, str] = {}
    # A page may have bracketed numbers of its own: only the next number starts a result.
    while (start := f"\n[{len(found) + 1}] ") in rest:
        rest = rest.partition(start)[2]
        found[len(found) + 1] = rest.partition(f"\n[{len(found) + 2}] ")[0]
    return found


def _answer(turn: Span) -> str:
    """The answer of a turn, without its list of sources."""
    return to_text((turn.outputs or {}).get("answer"))
