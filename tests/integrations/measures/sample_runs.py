"""A made flight: what is said to have happened, and the tree of one who tells all of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from hypothesis import strategies as st

from instrumentation.trace.span import TOKENS, Span
from instrumentation.trace.trace import Trace
from integrations.cases.case import Case
from integrations.measures.fidelity_counts import counted
from integrations.runner.case_run import Flight
from scenarios.replay.ledger import Exchange

COST_USD = 0.001


@dataclass(frozen=True)
class Work:
    """One turn: so many completions that were answered, and that failed; tools likewise."""

    agent: str
    answered: int = 1
    failed: int = 0
    ran: int = 0
    raised: int = 0


def made(*works: Work) -> tuple[Flight, Trace]:
    """What happened, and a team's tree in which each thing stands in the turn of its agent."""
    numbers = count(1)
    exchanges: list[Exchange] = []
    tools: list[dict[str, Any]] = []
    turns = []
    for work in works:
        beneath = []
        for failed in [True] * work.failed + [False] * work.answered:
            exchanges.append(exchange(work.agent, f"prompt {next(numbers)}.", failed=failed))
            beneath.append(completion(exchanges[-1]))
        for raised in [False] * work.ran + [True] * work.raised:
            tools.append({"agent": work.agent, "name": "gauge", "raised": raised})
            beneath.append(Span("gauge", "TOOL", "ERROR" if raised else "OK"))
        turns.append(Span(work.agent, "AGENT", children=tuple(beneath)))
    case = Case("made", "autogen", "made", (), turns=tuple(work.agent for work in works))
    flight = Flight(case, "nobody", tuple(exchanges), tuple(tools))
    return flight, Trace((Span("team", "CHAIN", children=tuple(turns)),))


def exchange(lane: str, prompt: str, *, failed: bool = False, **message: Any) -> Exchange:
    """An attempt at a completion, and the reply to it."""
    asked = {"messages": [{"role": "user", "content": prompt, **message}]}
    one = Exchange(lane, 1, "/v1/chat/completions", asked, "taped", False, 0.0, status=200)
    if failed:
        return replace(one, status=503)
    said = {"content": f"reply to {prompt}"}
    return replace(one, delivered=True, reply=said, input_tokens=7, output_tokens=2)


def completion(exchange: Exchange) -> Span:
    """The span of one who tells all of it."""
    used = {"input_tokens": exchange.input_tokens, "output_tokens": exchange.output_tokens}
    if not exchange.delivered:
        return Span("create", "LLM", "ERROR", inputs=exchange.request)
    return Span(
        "create",
        "LLM",
        inputs=exchange.request,
        outputs={"choices": [{"message": exchange.reply}]},
        attributes={TOKENS: used},
        cost_usd=COST_USD,
    )


def changed(trace: Trace, wanted: Callable[[Span], bool], into: Callable[[Span], Any]) -> Trace:
    """The tree with the first span that is wanted made into none, one or several others."""
    done = False

    def walk(span: Span) -> tuple[Span, ...]:
        nonlocal done
        if not done and wanted(span):
            done = True
            return tuple(into(span))
        return (replace(span, children=tuple(new for c in span.children for new in walk(c))),)

    return replace(trace, roots=tuple(new for root in trace.roots for new in walk(root)))


AGENTS = ("writer", "critic", "editor")
FEW = st.integers(0, 2)
WORK = st.builds(Work, st.sampled_from(AGENTS), st.integers(1, 3), FEW, FEW, FEW)
WORKS = st.lists(WORK, min_size=1, max_size=4)


def answered(span: Span) -> bool:
    """Whether it is that of a completion that went well."""
    return span.type == "LLM" and not span.failed


def missed(flight: Any, trace: Trace) -> dict[str, tuple[int, int]]:
    """What is not whole: how often it happened, how often it is told."""
    return {n: (c.ledger, c.trace) for n, c in counted(flight, trace) if not c.whole}
