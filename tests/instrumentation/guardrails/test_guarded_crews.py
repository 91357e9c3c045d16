"""What only CrewAI has: errors in hooks that are ignored, blocks that enclose each other."""

import asyncio
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from crewai.flow.flow import Flow, start
from crewai.hooks import HookAborted

from instrumentation import DEFAULT_REDACTION, enable_tracing
from instrumentation.guardrails import (
    Check,
    CircuitBreaker,
    GuardrailBlockedError,
    Guardrails,
    TokenBudget,
    guard_crew,
)
from scenarios.replay.replay_server import ReplayServer
from tests.support import crewai_crews
from tests.support.autogen_agents import replay_lines, trace_outline
from tests.support.guarded_runs import (
    PAY_DEFINITION,
    Program,
    answer_line,
    make_crew,
    pay_line,
    run_crew,
    run_guarded,
)


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


def run_streaming_crew(
    replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]
) -> str:
    team = make_crew(replay, paid)
    team.stream = True
    with guard_crew(guardrails):
        streaming = team.kickoff({"task": task})
        for _ in streaming:
            pass
    return str(streaming.result.raw)


def run_crew_with_async_task(
    replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]
) -> str:
    """CrewAI does the task in a thread of its own."""
    team = make_crew(replay, paid)
    team.tasks[0].async_execution = True
    with guard_crew(guardrails):
        return str(team.kickoff({"task": task}).raw)


def run_agent_without_crew(
    replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]
) -> str:
    payer = make_crew(replay, paid).agents[0]
    with guard_crew(guardrails):
        return str(payer.kickoff(guardrails.redact(task)).raw)


def run_flow(replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]) -> str:
    class Payments(Flow[Any]):
        @start()
        def pay(self) -> str:
            return str(make_crew(replay, paid).kickoff({"task": self.state["task"]}).raw)

    with guard_crew(guardrails):
        return str(Payments().kickoff(inputs={"task": task}))


@pytest.mark.parametrize(
    "program",
    [run_streaming_crew, run_crew_with_async_task, run_agent_without_crew, run_flow],
    ids=lambda one: one.__name__,
)
def test_every_way_to_run_an_agent_is_guarded(program: Program, tmp_path: Path) -> None:
    guardrails = Guardrails(
        CircuitBreaker(max_repeats=1), TokenBudget(max_tokens=140), redaction=DEFAULT_REDACTION
    )
    lines = (
        *(pay_line(("A", 80)), pay_line(("A", 80)), pay_line(("B", 80))),
        answer_line("never requested"),
    )
    run = run_guarded(program, tmp_path, guardrails, *lines, task="ask anna@example.com")
    assert (run.paid, len(run.requests)) == ([80.0, 80.0], 3)
    assert "135 of 140 tokens are spent" in str(run.error)
    assert "anna@" not in str([request.request for request in run.requests])
    assert {check.guardrail for check in guardrails.blocked} == {"circuit_breaker", "token_budget"}


def test_crews_that_share_a_model_client_do_not_share_their_budget(tmp_path: Path) -> None:
    """CrewAI's own counts belong to the client, so they would add up the runs."""
    with replay_lines(tmp_path, *[answer_line("yes")] * 6) as replay:
        shared = crewai_crews.llm(replay, "payer")

        def run_alone(_: int) -> dict[str, Any]:
            budget = TokenBudget(max_tokens=100)
            with guard_crew(Guardrails(budget=budget)):
                for _number in range(2):
                    team = make_crew(replay, [])
                    team.agents[0].llm = shared
                    team.kickoff({"task": "pay"})
                with pytest.raises(GuardrailBlockedError) as blocked:
                    Guardrails(budget=budget).check_completion()
            return dict(blocked.value.check.figures)

        with ThreadPoolExecutor(3) as pool:
            figures = list(pool.map(run_alone, range(3)))
    assert figures == [{"token_count": 90, "token_limit": 100}] * 3


def test_a_completion_whose_tokens_crewai_does_not_report_is_unmeasured(tmp_path: Path) -> None:
    """A client that is given functions executes the reply's tool call, and reports only that."""
    budget = TokenBudget(max_tokens=100)
    with replay_lines(tmp_path, pay_line(("A", 80))) as replay:
        client = crewai_crews.llm(replay, "payer")
        functions = {"pay": lambda number, eur: f"paid {number}"}
        with guard_crew(Guardrails(budget=budget)):
            client.call("pay", tools=[PAY_DEFINITION], available_functions=functions)
    figures = {"token_count": 0, "token_limit": 100, "unmeasured_count": 1}
    assert budget.check_completion().figures == figures
