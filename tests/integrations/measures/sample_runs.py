"""A made flight: what is said to have happened, and the tree of one who tells all of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from hypothesis import strategies as st

from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from integrations.cases.case import Case
from integrations.measures.run_counts import count_run
from integrations.runner.case_run import CaseRun
from scenarios.replay.ledger import Exchange

COST_USD = 0.001


@dataclass(frozen=True)
class TurnSpec:
    """One turn: so many completions that were answered, and that failed; tools likewise."""

    agent: str
    completions: int = 1
    failed_completions: int = 0
    tool_runs: int = 0
    failed_tool_runs: int = 0


def make_run(*works: TurnSpec) -> tuple[CaseRun, Trace]:
    """What happened, and a team's tree in which each thing stands in the turn of its agent."""
    numbers = count(1)
    exchanges: list[Exchange] = []
    tools: list[dict[str, Any]] = []
    turns = []
    for work in works:
        beneath = []
        for failed in [True] * work.failed_completions + [False] * work.completions:
            exchanges.append(make_exchange(work.agent, f"prompt {next(numbers)}.", failed=failed))
            beneath.append(make_completion_span(exchanges[-1]))
        for raised in [False] * work.tool_runs + [True] * work.failed_tool_runs:
            tools.append({"agent": work.agent, "name": "gauge", "raised": raised})
            beneath.append(Span("gauge", "TOOL", "ERROR" if raised else "OK"))
        turns.append(Span(work.agent, "AGENT", children=tuple(beneath)))
    case = Case("made", "autogen", "made", (), turns=tuple(work.agent for work in works))
    flight = CaseRun(case, "nobody", tuple(exchanges), tuple(tools))
    return flight, Trace((Span("team", "CHAIN", children=tuple(turns)),))


def make_exchange(lane: str, prompt: str, *, failed: bool = False, **message: Any) -> Exchange:
    """An attempt at a completion, and the reply to it."""
    asked = {"messages": [{"role": "user", "content": prompt, **message}]}
    one = Exchange(lane, 1, "/v1/chat/completions", asked, "taped", False, 0.0, status=200)
    if failed:
        return replace(one, status=503)
    said = {"content": f"reply to {prompt}"}
    return replace(one, delivered=True, reply=said, input_tokens=7, output_tokens=2)


def make_completion_span(exchange: Exchange) -> Span:
    """The span of one who tells all of it."""
    used = {"input_tokens": exchange.input_tokens, "output_tokens": exchange.output_tokens}
    if not exchange.delivered:
        return Span("create", "LLM", "ERROR", inputs=exchange.request)
    return Span(
        "create",
        "LLM",
        inputs=exchange.request,
        outputs={"choices": [{"message": exchange.reply}]},
        attributes={TOKEN_USAGE_ATTRIBUTE: used},
        cost_usd=COST_USD,
    )


def replace_first_span(
    trace: Trace, matches: Callable[[Span], bool], replacements: Callable[[Span], Any]
) -> Trace:
    """The tree with the first span that is wanted made into none, one or several others."""
    done = False

    def walk(span: Span) -> tuple[Span, ...]:
        nonlocal done
        if not done and matches(span):
            done = True
            return tuple(replacements(span))
        return (replace(span, children=tuple(new for c in span.children for new in walk(c))),)

    return replace(trace, roots=tuple(new for root in trace.roots for new in walk(root)))


AGENTS = ("writer", "critic", "editor")
SMALL_COUNTS = st.integers(0, 2)
TURN_SPECS = st.builds(
    TurnSpec, st.sampled_from(AGENTS), st.integers(1, 3), SMALL_COUNTS, SMALL_COUNTS, SMALL_COUNTS
)
TURN_SPEC_LISTS = st.lists(TURN_SPECS, min_size=1, max_size=4)


def is_completed(span: Span) -> bool:
    """Whether it is that of a completion that went well."""
    return span.type == "LLM" and not span.failed


def incomplete_counts(flight: Any, trace: Trace) -> dict[str, tuple[int, int]]:
    """What is not whole: how often it happened, how often it is told."""
    return {n: (c.ledger, c.trace) for n, c in count_run(flight, trace) if not c.is_equal}
