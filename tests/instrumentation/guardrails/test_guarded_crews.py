"""What only CrewAI has: errors in hooks that are ignored, blocks that enclose each other."""

import asyncio
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from crewai.hooks import HookAborted

from instrumentation import enable_tracing
from instrumentation.guardrails import (
    Check,
    CircuitBreaker,
    GuardrailBlockedError,
    Guardrails,
    TokenBudget,
    guard_crew,
)
from tests.support.autogen_agents import replay_lines, trace_outline
from tests.support.guarded_runs import answer_line, make_crew, pay_line, run_crew, run_guarded


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


class FailingBreaker(CircuitBreaker):
    def check_call(self, tool: str, arguments: Mapping[str, Any]) -> Check:
        raise TypeError("unhashable")


class FailingBudget(TokenBudget):
    def check_completion(self) -> Check:
        raise TypeError("no number")


def test_a_blocked_call_is_a_result_like_others(tmp_path: Path) -> None:
    lines = (pay_line(("A", 80)), pay_line(("A", 80)), answer_line("once"))
    run = run_guarded(run_crew, tmp_path, Guardrails(CircuitBreaker(max_repeats=1)), *lines)
    assert trace_outline(run.trace) == [
        "office CHAIN OK",
        "  payments TASK OK",
        "    payer AGENT OK",
        "      chat_completion LLM OK",
        "      pay TOOL OK",
        "        circuit_breaker GUARDRAIL OK",
        "      chat_completion LLM OK",
        "      pay TOOL OK",
        "        circuit_breaker GUARDRAIL OK",
        "      chat_completion LLM OK",
    ]
    assert run.trace.spans_of_type("TOOL")[1].outputs == run.check_values("reason")[1]


def test_a_guardrail_that_fails_blocks_the_call(tmp_path: Path) -> None:
    """CrewAI ignores an error in a hook, and makes the call."""
    end = answer_line("not paid", when="blocked: a guardrail failed .TypeError.")
    lines = (pay_line(("A", 80)), end)
    run = run_guarded(run_crew, tmp_path, Guardrails(FailingBreaker()), *lines)
    assert (run.answer, run.paid) == ("not paid", [])


def test_a_budget_that_fails_ends_the_run(tmp_path: Path) -> None:
    guardrails = Guardrails(budget=FailingBudget(max_tokens=100))
    run = run_guarded(run_crew, tmp_path, guardrails, pay_line(("A", 80)))
    assert isinstance(run.error, HookAborted)
    assert (str(run.error), run.requests) == ("blocked: a guardrail failed: no number", ())


def test_a_spent_budget_raises_the_error_of_the_guardrail(tmp_path: Path) -> None:
    guardrails = Guardrails(budget=TokenBudget(max_tokens=50))
    run = run_guarded(run_crew, tmp_path, guardrails, pay_line(("A", 80)), answer_line("never"))
    assert isinstance(run.error, GuardrailBlockedError)
    assert run.error.check.figures == {"token_count": 45, "token_limit": 50}


def test_an_enclosing_block_goes_on_to_apply(tmp_path: Path) -> None:
    outer = Guardrails(CircuitBreaker(max_calls=1))
    lines = (pay_line(("A", 80)), pay_line(("B", 80)), answer_line("one of two"))
    with guard_crew(outer):
        run = run_guarded(run_crew, tmp_path, Guardrails(CircuitBreaker()), *lines)
    assert (run.paid, len(outer.blocked)) == ([80.0], 1)


def test_a_crew_after_the_block_is_not_guarded(tmp_path: Path) -> None:
    guardrails = Guardrails(CircuitBreaker(max_calls=1))
    with guard_crew(guardrails):
        pass
    lines = (pay_line(("A", 80)), pay_line(("B", 80)), answer_line("both"))
    run = run_guarded(run_crew, tmp_path, Guardrails(), *lines)
    assert (len(run.paid), guardrails.blocked) == (2, [])


async def test_crews_of_several_tasks_do_not_share_their_guardrails(tmp_path: Path) -> None:
    async def pay_often(repeats: int) -> tuple[int, int]:
        paid: list[float] = []
        folder = tmp_path / str(repeats)
        folder.mkdir()
        guardrails = Guardrails(CircuitBreaker(max_repeats=repeats), TokenBudget(max_tokens=10**6))
        lines = [*[pay_line(("A", 80))] * 4, answer_line("enough")]
        with replay_lines(folder, *lines) as replay, guard_crew(guardrails):
            await make_crew(replay, paid).akickoff({"task": "pay"})
        return len(paid), len(guardrails.blocked)

    assert await asyncio.gather(*map(pay_often, (1, 2, 3))) == [(1, 3), (2, 2), (3, 1)]
