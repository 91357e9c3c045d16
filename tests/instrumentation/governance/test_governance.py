"""The governance of guarded runs of three frameworks, and the problems that it finds."""

from collections.abc import Generator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from instrumentation import DEFAULT_REDACTION, Span, Trace, enable_tracing
from instrumentation.governance import Governance, LimitUse, read_governance
from instrumentation.guardrails import (
    Approval,
    Authorization,
    CircuitBreaker,
    Guardrails,
    TokenBudget,
)
from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE
from tests.support.guarded_runs import (
    PREFIX,
    PROGRAMS,
    Program,
    answer_line,
    find_objection,
    pay_line,
    run_guarded,
)


@pytest.fixture
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def find_objection_or_ask(call: Mapping[str, Any]) -> str | Approval | None:
    return Approval("head of finance") if call["number"] == "C" else find_objection(call)


@pytest.mark.usefixtures("_recording")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.__name__)
def test_the_governance_of_a_run_is_the_same_in_each_framework(
    program: Program, tmp_path: Path
) -> None:
    guardrails = Guardrails(
        CircuitBreaker(max_repeats=1, max_calls=9),
        TokenBudget(max_tokens=1000),
        Authorization({"pay": find_objection_or_ask}),
        DEFAULT_REDACTION,
    )
    payments: list[tuple[str, float]] = [("A", 80), ("A", 80), ("B", 500), ("C", 500)]
    lines = [*map(pay_line, payments), answer_line("A and C are paid")]
    run = run_guarded(program, tmp_path, guardrails, *lines, task="ask anna@example.com")
    assert run.paid == [80, 500]

    governance = read_governance(run.trace)
    assert governance.problems == ()
    assert {one.name: (one.checks, one.allowed, one.blocked) for one in governance.guardrails} == {
        "input_redaction": (1, 1, 0),
        "token_budget": (5, 5, 0),
        "authorization": (4, 3, 1),
        "circuit_breaker": (3, 2, 1),
    }
    breaker, budget = (
        governance.find_guardrail(name) for name in ("circuit_breaker", "token_budget")
    )
    assert breaker
    assert budget
    assert breaker.limits == (
        LimitUse("pay", "calls", 2, 9),
        LimitUse("pay", "calls with the same arguments", 1, 1),
    )
    assert budget.limits == (LimitUse("", "tokens", 180, 1000),)
    assert [sum(one.reasons.values()) for one in (breaker, budget)] == [1, 0]
    actions = [
        (one.arguments["number"], one.outcome, one.authorized_by) for one in governance.actions
    ]
    rule = "rule find_objection_or_ask"
    assert actions == [
        ("A", "made", rule),
        ("A", "blocked", rule),  # by the circuit breaker
        ("B", "blocked", ""),
        ("C", "made", "head of finance"),
    ]
    assert {action.agent for action in governance.actions} == {"payer"}
    assert (governance.completions, governance.tokens.total) == (5, 225)
    assert (governance.removed, governance.sent) == ({"e-mail": 1}, {})


@pytest.mark.usefixtures("_recording")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.__name__)
def test_a_run_without_guardrails_has_problems(program: Program, tmp_path: Path) -> None:
    lines = (pay_line(("B", 500)), answer_line("paid"))
    run = run_guarded(program, tmp_path, Guardrails(), *lines, task="ask anna@example.com")
    governance = read_governance(run.trace, ["pay"])
    assert governance.problems == (
        "the run has no guardrails",
        "pay was called, and nobody was asked to authorize it",
    )
    assert governance.sent == {"e-mail": 2}


def check(name: str, *, passed: bool | None = True, **values: Any) -> Span:
    verdict = {} if passed is None else {"passed": passed, "blocked": not passed}
    attributes = {f"{PREFIX}{key}": value for key, value in {**verdict, **values}.items()}
    return Span(name, "GUARDRAIL", attributes=attributes)


def completion(prompt: str = "go on", tokens: int = 0, cost_usd: float | None = None) -> Span:
    usage = {TOKEN_USAGE_ATTRIBUTE: {"input_tokens": tokens, "output_tokens": 0}}
    inputs = {"messages": [{"role": "user", "content": prompt}]}
    return Span("chat_completion", "LLM", inputs=inputs, attributes=usage, cost_usd=cost_usd)


def govern(*spans: Span, tools: tuple[str, ...] = ()) -> Governance:
    return read_governance(Trace((Span("run", "CHAIN", children=spans),)), tools)


ALLOWED = check("authorization", tool="pay", authorized_by="Anna")
REFUSED = check("authorization", passed=False, tool="pay", reason="not authorized: too much")


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        (
            [check("token_budget", token_count=0, token_limit=50), completion(tokens=60)],
            "the run used 60 tokens, and its limit is 50",
        ),
        (
            [check("token_budget", cost_usd=0.0, cost_limit_usd=0.5), completion(cost_usd=0.75)],
            "the run used 0.75 US dollars, and its limit is 0.5",
        ),
        (
            [check("token_budget", token_count=0, token_limit=50), completion(), completion()],
            "1 of 2 completions were requested without a check of the budget",
        ),
        (
            [check("token_budget", token_count=0, token_limit=50, unmeasured_count=2)],
            "2 completions reported no usage: the budget counted nothing",
        ),
        (
            [ALLOWED, Span("pay", "TOOL"), Span("pay", "TOOL")],
            "pay was called, and nobody was asked to authorize it",
        ),
        (
            [Span("pay", "TOOL", outputs="paid", children=(REFUSED,))],
            "pay was called although a guardrail had blocked the call",
        ),
        (
            [check("input_redaction"), completion("ask anna@example.com"), completion()],
            "e-mail: sent to a model in 1 of 2 prompts",
        ),
        (
            [check("input_redaction"), completion("ask [redacted: e-mail]")],
            "e-mail: sent to a model in 1 of 1 prompts",
        ),
        ([check("judge", passed=None), check("judge")], "judge failed in 1 of 2 checks"),
    ],
)
def test_what_the_guardrails_did_not_prevent_is_a_problem(spans: list[Span], problem: str) -> None:
    assert govern(*spans).problems == (problem,)


@pytest.mark.parametrize(
    ("spans", "outcome"),
    [
        ([ALLOWED, Span("pay", "TOOL")], "made"),
        ([Span("pay", "TOOL", children=(ALLOWED,))], "made"),
        ([Span("pay", "TOOL", status="ERROR", children=(ALLOWED,))], "failed"),
        ([REFUSED], "blocked"),
        ([Span("pay", "TOOL", children=(REFUSED,))], "blocked"),
        ([Span("pay", "TOOL", status="ERROR", children=(REFUSED,))], "blocked"),
        (
            [Span("pay", "TOOL", outputs="not authorized: too much", children=(REFUSED,))],
            "blocked",
        ),
    ],
)
def test_an_action_is_found_wherever_it_was_checked(spans: list[Span], outcome: str) -> None:
    governance = govern(*spans)
    (action,) = governance.actions
    assert (action.outcome, action.is_checked) == (outcome, True)
    assert governance.problems == ()


def test_a_tool_without_consequences_is_no_action() -> None:
    assert [
        one.tool for one in govern(ALLOWED, Span("read", "TOOL"), Span("pay", "TOOL")).actions
    ] == ["pay"]


def test_a_cost_is_unknown_if_a_price_is() -> None:
    assert govern(completion(cost_usd=0.1), completion(cost_usd=0.2)).cost_usd == pytest.approx(0.3)
    assert govern(completion(cost_usd=0.1), completion()).cost_usd is None


def test_personal_data_that_is_redacted_twice_was_removed_once() -> None:
    texts = ["ask [redacted: e-mail]", "ask [withheld: e-mail]", "ask [withheld: e-mail]"]
    spans = [
        Span("input_redaction", "GUARDRAIL", inputs=before, outputs=after)
        for before, after in pairwise(texts)
    ]
    assert govern(*spans).removed == {"e-mail": 1}
