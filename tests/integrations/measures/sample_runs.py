"""Sample case runs, each with the trace of an instrumentor that records all of it."""

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
    """One turn: how many completions and tool runs succeed and fail in it."""

    agent: str
    completions: int = 1
    failed_completions: int = 0
    tool_runs: int = 0
    failed_tool_runs: int = 0


def make_run(*turn_specs: TurnSpec) -> tuple[CaseRun, Trace]:
    """Return a run, and the tree of a team with every step in the turn of its agent."""
    numbers = count(1)
    exchanges: list[Exchange] = []
    tools: list[dict[str, Any]] = []
    turns = []
    for turn in turn_specs:
        steps = []
        for failed in [True] * turn.failed_completions + [False] * turn.completions:
            exchanges.append(make_exchange(turn.agent, f"prompt {next(numbers)}.", failed=failed))
            steps.append(make_completion_span(exchanges[-1]))
        for raised in [False] * turn.tool_runs + [True] * turn.failed_tool_runs:
            tools.append({"agent": turn.agent, "name": "gauge", "raised": raised})
            steps.append(Span("gauge", "TOOL", "ERROR" if raised else "OK"))
        turns.append(Span(turn.agent, "AGENT", children=tuple(steps)))
    case = Case("sample", "autogen", "sample", (), turns=tuple(turn.agent for turn in turn_specs))
    run = CaseRun(case, "any", tuple(exchanges), tuple(tools))
    return run, Trace((Span("team", "CHAIN", children=tuple(turns)),))


def make_exchange(lane: str, prompt: str, *, failed: bool = False, **message: Any) -> Exchange:
    """Return an attempt at a completion, with its reply."""
    request = {"messages": [{"role": "user", "content": prompt, **message}]}
    exchange = Exchange(lane, 1, "/v1/chat/completions", request, "taped", False, 0.0, status=200)
    if failed:
        return replace(exchange, status=503)
    reply = {"content": f"reply to {prompt}"}
    return replace(exchange, delivered=True, reply=reply, input_tokens=7, output_tokens=2)


def make_completion_span(exchange: Exchange) -> Span:
    """Return a span that records an exchange completely."""
    tokens = {"input_tokens": exchange.input_tokens, "output_tokens": exchange.output_tokens}
    if not exchange.delivered:
        return Span("create", "LLM", "ERROR", inputs=exchange.request)
    return Span(
        "create",
        "LLM",
        inputs=exchange.request,
        outputs={"choices": [{"message": exchange.reply}]},
        attributes={TOKEN_USAGE_ATTRIBUTE: tokens},
        cost_usd=COST_USD,
    )


def replace_first_span(
    trace: Trace, matches: Callable[[Span], bool], replacements: Callable[[Span], Any]
) -> Trace:
    """Replace the first span that matches by any number of spans."""
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
    """Whether a span is a completion that did not fail."""
    return span.type == "LLM" and not span.failed


def incomplete_counts(run: Any, trace: Trace) -> dict[str, tuple[int, int]]:
    """Return the incomplete measures: how often each happened and was recorded."""
    return {n: (c.ledger, c.trace) for n, c in count_run(run, trace) if not c.is_equal}
