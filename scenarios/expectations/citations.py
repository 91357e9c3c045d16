"""An expectation of citing: whether the results that an answer cites bear its figures out.

None of them names a figure. Results are known by their numbers, which count on over all calls of
the run, as the agent is told them: `[1] title (source)`, and beneath it the text.
"""

from instrumentation.figures.figure_check import UnsupportedFigure, check_figures, extract_figures
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.search import completion_spans, turn_answer, turn_task
from scenarios.expectations.wording import list_agents, shorten, to_text
from workflows.marks import cites


def cites_unsupporting_sources(agent: str) -> Expectation:
    """A sentence of the agent's answer has a figure that the results it cites do not bear out."""

    def why_not(trace: Trace) -> str | None:
        amiss = _find_unsupported(trace, agent)
        if isinstance(amiss, str):
            return amiss
        return None if amiss else "the results that it cites bear each figure out"

    return Expectation(f"{agent} cites amiss", why_not, (agent,), signals_failure=True)


def cites_supporting_sources(agent: str) -> Expectation:
    """The agent's answer has figures, and the results that their sentences cite bear them out."""

    def why_not(trace: Trace) -> str | None:
        amiss = _find_unsupported(trace, agent)
        if isinstance(amiss, str):
            return amiss
        return f"held against what is cited there, {'; '.join(map(str, amiss))}" if amiss else None

    return Expectation(f"{agent} cites well", why_not, (agent,))


def _find_unsupported(trace: Trace, agent: str) -> list[UnsupportedFigure] | str:
    """The figures that neither the task nor what their sentences cite bears out; or why none can be
    held against anything."""
    asked = completion_spans(trace, agent)
    if not asked:
        return f"{agent} made no completion; agents: {list_agents(trace)}"
    turn, results = trace.turns(agent)[-1], _numbered_results(asked[-1])
    sentences = dict.fromkeys(figure.sentence for figure in extract_figures(turn_answer(turn)))
    cited = {sentence: sorted(cites(sentence)) for sentence in sentences}
    if not any(cited.values()):
        return f"no figure has a citation beside it: {shorten(turn_answer(turn))}"
    held = {one: [results.get(number, "") for number in numbers] for one, numbers in cited.items()}
    return [
        amiss
        for sentence in sentences
        for amiss in check_figures(sentence, [turn_task(turn), *held[sentence]]).unsupported
    ]


def _numbered_results(completion: Span) -> dict[int, str]:
    """The results that a completion was told of, by their numbers."""
    told = [one for one in completion.inputs["messages"] if one.get("role") == "tool"]
    rest = "\n".join(["", *(to_text(one.get("content")) for one in told)])
    found: dict[int, str] = {}
    # A page may hold a number in brackets of its own: only the next one begins a result.
    while (begins := f"\n[{len(found) + 1}] ") in rest:
        rest = rest.partition(begins)[2]
        found[len(found) + 1] = rest.partition(f"\n[{len(found) + 2}] ")[0]
    return found
