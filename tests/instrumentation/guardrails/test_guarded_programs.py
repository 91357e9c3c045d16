"""Guardrails around CrewAI, AutoGen and plain openai: one tape, the same protection in each."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from instrumentation import DEFAULT_REDACTION, Price, enable_tracing
from instrumentation.guardrails import (
    Approval,
    Authorization,
    CircuitBreaker,
    Guardrails,
    TokenBudget,
)
from tests.support.guarded_runs import (
    PROGRAMS,
    Program,
    answer_line,
    find_objection,
    pay_line,
    run_guarded,
)

pytestmark = pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.__name__)


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def test_a_repeated_call_is_blocked_and_the_model_reads_why(
    program: Program, tmp_path: Path
) -> None:
    guardrails = Guardrails(CircuitBreaker(max_repeats=1))
    reason = "blocked: pay was already called 1 times with these arguments"
    run = run_guarded(
        program,
        tmp_path,
        guardrails,
        pay_line(("A", 80)),
        pay_line(("A", 80)),
        answer_line("paid once", when=reason),
    )
    assert (run.answer, run.paid) == ("paid once", [80.0])
    assert run.check_values("blocked") == [False, True]
    assert run.check_values("repeat_count") == [0, 1]
    assert run.check_values("repeat_limit") == [1, 1]
    assert run.check_values("reason")[1].startswith(reason)
    assert [check.guardrail for check in guardrails.blocked] == ["circuit_breaker"]


def test_each_check_is_a_span_inside_the_call_that_it_checks(
    program: Program, tmp_path: Path
) -> None:
    guardrails = Guardrails(CircuitBreaker(max_repeats=1), TokenBudget(max_tokens=1000))
    lines = (pay_line(("A", 80)), pay_line(("A", 80)), answer_line("once"))
    run = run_guarded(program, tmp_path, guardrails, *lines)
    (turn,) = run.trace.spans_of_type("AGENT")
    round_of_work = ["GUARDRAIL", "LLM", "TOOL"]
    assert [span.type for span in turn.children] == [*round_of_work * 2, "GUARDRAIL", "LLM"]
    tools = run.trace.spans_of_type("TOOL")
    assert [[child.name for child in span.children] for span in tools] == [["circuit_breaker"]] * 2


@pytest.mark.parametrize("parallel", [False, True])
def test_a_payment_that_is_not_authorized_is_not_made(
    parallel: bool, program: Program, tmp_path: Path
) -> None:
    both = ("A", 80.0), ("B", 500.0)
    calls = [pay_line(*both)] if parallel else [pay_line(one) for one in both]
    end = answer_line("B is not paid", when="payments above 100 EUR need a person")
    authorization = Authorization({"pay": find_objection})
    run = run_guarded(program, tmp_path, Guardrails(authorization=authorization), *calls, end)
    assert (run.error, run.paid) == (None, [80.0])
    verdicts = {check.inputs["arguments"]["number"]: check.attributes for check in run.checks}
    by = "flight_recorder.guardrail.authorized_by"
    assert (verdicts["A"].get(by), verdicts["B"].get(by)) == ("rule find_objection", None)


def test_the_same_number_written_differently_is_the_same_call(
    program: Program, tmp_path: Path
) -> None:
    lines = (pay_line(("A", 80)), pay_line(("A", "80.0")), answer_line("once"))
    run = run_guarded(program, tmp_path, Guardrails(CircuitBreaker(max_repeats=1)), *lines)
    assert (run.paid, run.check_values("blocked")) == ([80.0], [False, True])


def test_the_consent_of_a_person_is_recorded(program: Program, tmp_path: Path) -> None:
    authorization = Authorization({"pay": lambda call: Approval("head of finance")})
    lines = (pay_line(("A", 500)), answer_line("paid"))
    run = run_guarded(program, tmp_path, Guardrails(authorization=authorization), *lines)
    assert (run.paid, run.check_values("authorized_by")) == ([500.0], ["head of finance"])


def test_a_budget_ends_the_run_before_it_is_exceeded(program: Program, tmp_path: Path) -> None:
    guardrails = Guardrails(budget=TokenBudget(max_tokens=100))
    lines = (pay_line(("A", 80)), pay_line(("B", 80)), answer_line("never requested"))
    run = run_guarded(program, tmp_path, guardrails, *lines)
    assert "blocked: 90 of 100 tokens are spent" in str(run.error)
    assert len(run.requests) == len(run.trace.spans_of_type("LLM")) == 2
    assert run.check_values("token_count") == [0, 45, 90]
    assert run.check_values("token_limit") == [100, 100, 100]
    assert run.check_values("blocked") == [False, False, True]


def test_a_budget_in_dollars_needs_the_price_of_the_model(program: Program, tmp_path: Path) -> None:
    budget = TokenBudget(max_usd=1.0, prices={"another": Price(1.0, 1.0)})
    lines = (pay_line(("A", 80)), answer_line("never requested"))
    run = run_guarded(program, tmp_path, Guardrails(budget=budget), *lines)
    assert "no price for the model 'taped'" in str(run.error)
    assert len(run.requests) == 1


def test_the_input_is_redacted_before_the_run_starts(program: Program, tmp_path: Path) -> None:
    line = answer_line("yes", when=r"ask \[withheld: e-mail\]")
    guardrails = Guardrails(redaction=DEFAULT_REDACTION)
    run = run_guarded(program, tmp_path, guardrails, line, task="ask anna@example.com")
    assert run.answer == "yes"
    assert run.check_values("redacted_count") == [1]
    assert run.check_values("redacted_kinds") == [["e-mail"]]


@pytest.mark.parametrize("missing", ["breaker", "budget", "authorization", "redaction"])
def test_without_a_guardrail_its_harm_is_done(
    missing: str, program: Program, tmp_path: Path
) -> None:
    """One tape on which each guardrail has something to block, played without one of them."""
    guardrails: dict[str, Any] = {
        "breaker": CircuitBreaker(max_repeats=1),
        "budget": TokenBudget(max_tokens=3 * 45),
        "authorization": Authorization({"pay": find_objection}),
        "redaction": DEFAULT_REDACTION,
    }
    del guardrails[missing]
    run = run_guarded(
        program,
        tmp_path,
        Guardrails(**guardrails),
        *(pay_line(("A", 80)), pay_line(("A", 80)), pay_line(("B", 500)), answer_line("the end")),
        task="ask anna@example.com",
    )
    harms = {
        "breaker": run.paid.count(80.0) > 1,
        "budget": run.is_complete,
        "authorization": 500.0 in run.paid,
        "redaction": any("anna@" in str(request.request) for request in run.requests),
    }
    assert [harm for harm, is_done in harms.items() if is_done] == [missing]


def test_runs_in_several_threads_do_not_share_their_guardrails(
    program: Program, tmp_path: Path
) -> None:
    def pay_often(repeats: int) -> tuple[int, int]:
        guardrails = Guardrails(CircuitBreaker(max_repeats=repeats))
        folder = tmp_path / str(repeats)
        folder.mkdir()
        lines = [pay_line(("A", 80))] * 4
        run = run_guarded(program, folder, guardrails, *lines, answer_line("enough"))
        return len(run.paid), len(guardrails.blocked)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(pay_often, (1, 2, 3))) == [(1, 3), (2, 2), (3, 1)]
