"""Expectations about a search agent: whether it searches, what it asks for, and what it cites.

No expectation names a figure or a country: both are read from the trace. Search results are known
by numbers that count on over all calls of a run, as the agent reads them: `[1] title (source)`,
followed by the text.
"""

import json
from collections.abc import Iterator
from typing import Any

from instrumentation.figures import UnsupportedFigure, check_figures, extract_figures
from instrumentation.trace import Span, Trace
from scenarios.expectations.calls.tools import calls_of, tool_calls
from scenarios.expectations.expectation import Expectation, list_agents, pluralize, shorten, to_text
from workflows.support.search.checks import cited_numbers, country_codes

StatedAndQueried = tuple[frozenset[str], str]
"""The countries that a reply names, and the country that a call of the reply asks for."""


def claims_figure_without_search(agent: str) -> Expectation:
    """The agent made no search, and its answer has a figure that its task does not have."""

    def explain_failure(trace: Trace) -> str | None:
        turns = trace.turns(agent)
        if not turns:
            return f"{agent} took no turn; agents at work: {list_agents(trace)}"
        if searches := [call for call in tool_calls(trace, agent) if not call.failed]:
            return f"{agent} made {pluralize(len(searches), 'search')}"
        if any(check_figures(_answer(turn), [_task(turn)]).unsupported for turn in turns):
            return None
        return f"its task has each figure of its answer: {shorten(_answer(turns[-1]))}"

    return Expectation(
        f"{agent} states a figure without a search",
        explain_failure,
        (agent,),
        signals_failure=True,
    )


def cites_supporting_sources(agent: str) -> Expectation:
    """The answer has figures, and the results cited in their sentences support them."""

    def explain_failure(trace: Trace) -> str | None:
        unsupported = _find_unsupported(trace, agent)
        if isinstance(unsupported, str):
            return unsupported
        if not unsupported:
            return None
        return f"the cited results do not support {'; '.join(map(str, unsupported))}"

    return Expectation(
        f"the sources that {agent} cites support its figures", explain_failure, (agent,)
    )


def cites_unsupporting_sources(agent: str) -> Expectation:
    """A sentence of the answer has a figure that the results cited there do not support."""

    def explain_failure(trace: Trace) -> str | None:
        unsupported = _find_unsupported(trace, agent)
        if isinstance(unsupported, str):
            return unsupported
        return None if unsupported else "the cited results support each figure"

    return Expectation(
        f"a source that {agent} cites does not support its figure",
        explain_failure,
        (agent,),
        signals_failure=True,
    )


def ignores_malformed_arguments(agent: str, tool: str) -> Expectation:
    """A call of the tool whose arguments are not a JSON object ends with the status OK."""

    def explain_failure(trace: Trace) -> str | None:
        completions = _completions(trace, agent)
        written = [text for span in completions for text in _call_arguments(span, tool)]
        malformed = [arguments for arguments in written if not _is_object(arguments)]
        if not malformed:
            return f"the arguments of all {pluralize(len(written), 'call')} of {tool} are valid"
        succeeded = [call for call in calls_of(trace, agent, tool) if not call.failed]
        if any(call.inputs.get("arguments") in malformed for call in succeeded):
            return None
        return f"{pluralize(len(malformed), 'such call')}, none with the status OK"

    return Expectation(
        f"{agent} calls {tool} with malformed arguments, and the call ends with status OK",
        explain_failure,
        (agent,),
        span_name=tool,
        signals_failure=True,
    )


def queries_stated_country(agent: str, tool: str) -> Expectation:
    """Each call of the tool asks for a country that the agent names in the same reply."""

    def explain_failure(trace: Trace) -> str | None:
        pairs = list(_stated_and_queried(trace, agent, tool))
        if pairs and all(queried in stated for stated, queried in pairs):
            return None
        return f"{agent} {_describe_pairs(pairs)}"

    return Expectation(
        f"{agent} asks {tool} for the country that it names",
        explain_failure,
        (agent,),
        span_name=tool,
    )


def queries_another_country(agent: str, tool: str) -> Expectation:
    """The agent names one country in a reply, and its call of the tool asks for another."""

    def explain_failure(trace: Trace) -> str | None:
        pairs = list(_stated_and_queried(trace, agent, tool))
        if any(stated and queried not in stated for stated, queried in pairs):
            return None
        return f"{agent} {_describe_pairs(pairs)}"

    return Expectation(
        f"{agent} names one country and asks {tool} for another",
        explain_failure,
        (agent,),
        span_name=tool,
        signals_failure=True,
    )


def _find_unsupported(trace: Trace, agent: str) -> list[UnsupportedFigure] | str:
    """The figures that neither the task nor the results cited in their sentences support.

    Returns a sentence if there is nothing to compare.
    """
    completions = _completions(trace, agent)
    if not completions:
        return f"{agent} made no completion; agents at work: {list_agents(trace)}"
    turn, results = trace.turns(agent)[-1], _numbered_results(completions[-1])
    sentences = dict.fromkeys(figure.sentence for figure in extract_figures(_answer(turn)))
    cited = {sentence: sorted(cited_numbers(sentence)) for sentence in sentences}
    if not any(cited.values()):
        return f"no figure has a citation beside it: {shorten(_answer(turn))}"
    sources = {
        sentence: [_task(turn), *(results.get(number, "") for number in numbers)]
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


def _stated_and_queried(trace: Trace, agent: str, tool: str) -> Iterator[StatedAndQueried]:
    """Yield what the reply names, and what the call asks for, of each successful country call."""
    calls = [call for call in calls_of(trace, agent, tool) if not call.failed]
    queried = {id(call): call.inputs["country"] for call in calls if call.inputs.get("country")}
    for turn in trace.turns(agent):
        known = country_codes(_task(turn)).union(queried.values())
        stated: frozenset[str] = frozenset()
        for span in turn:
            if span.type == "LLM":
                stated = known & country_codes(to_text(_message(span).get("content")))
            elif country := queried.get(id(span)):
                yield stated, country


def _describe_pairs(pairs: list[StatedAndQueried]) -> str:
    sentences = (
        f"names {', '.join(sorted(stated)) or 'none'} and asks for {queried}"
        for stated, queried in pairs
    )
    return "; ".join(sentences) or "makes no such call"


def _completions(trace: Trace, agent: str) -> list[Span]:
    return [span for turn in trace.turns(agent) for span in turn if span.type == "LLM"]


def _answer(turn: Span) -> str:
    """The answer of a turn, without its list of sources."""
    return to_text((turn.outputs or {}).get("answer"))


def _task(turn: Span) -> str:
    return to_text((turn.inputs or {}).get("task"))


def _message(completion: Span) -> dict[str, Any]:
    choices = (completion.outputs or {}).get("choices") or [{}]
    return choices[0].get("message") or {}


def _call_arguments(completion: Span, tool: str) -> Iterator[str]:
    """The arguments of a completion's calls of a tool, as the model wrote them."""
    functions = [call["function"] for call in _message(completion).get("tool_calls") or ()]
    return (function["arguments"] for function in functions if function["name"] == tool)


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False
