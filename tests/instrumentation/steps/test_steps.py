"""Steps of a crew: the trace and the event bus give the same ones."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crewai import Crew

from instrumentation.steps import collect_steps, on_step, on_task, steps_from_trace
from instrumentation.steps.step import Step
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import unavailable
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, tool_calls_line
from tests.support.crewai_crews import agent, crew, lookup, lookup_line, task

LINES = (
    lookup_line("data", "FR", "DE"),
    reply_line("data", "figures 4.9") | {"when": "the value of DE"},
    reply_line("writer", "report 4.9"),
)
"""The answer requires the looked-up values, so that concurrent crews get their own answers."""


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def make_crew(replay: ReplayServer, **settings: Any) -> Crew:
    """Two agents: one looks up two countries in parallel, the other writes a report."""
    figures = task(agent(replay, "data", tools=[lookup]), "figures")
    return crew(figures, task(agent(replay, "writer"), "report", context=[figures]), **settings)


def comparable(step: Step) -> Step:
    """A step without the data that only the trace has: exact times and HTTP attempts."""
    error = step.error and "failed"
    return replace(
        step, started_ns=0, ended_ns=0, attempt_count=None, failed_attempts=(), error=error
    )


def test_each_task_turn_completion_and_call_is_a_step(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES) as replay, collect_steps() as log:
        make_crew(replay).kickoff()
    assert [(step.kind, step.agent, step.task) for step in log.steps] == [
        ("crew", None, None),
        ("task", None, "figures"),
        ("turn", "data", "figures"),
        ("completion", "data", "figures"),
        ("tool", "data", "figures"),
        ("tool", "data", "figures"),
        ("completion", "data", "figures"),
        ("task", None, "report"),
        ("turn", "writer", "report"),
        ("completion", "writer", "report"),
    ]
    assert log.is_complete


def test_a_tool_step_has_its_arguments_and_its_result(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES) as replay, collect_steps() as log:
        make_crew(replay).kickoff()
    found = {step.arguments["country"]: step.result for step in log.steps if step.kind == "tool"}
    assert found == {"FR": "the value of FR", "DE": "the value of DE"}


def test_token_counts_match_the_ledger(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES) as replay, collect_steps() as log:
        make_crew(replay).kickoff()
    exchanges = replay.ledger.exchanges
    assert sum(step.tokens.input for step in log.steps) == sum(
        exchange.input_tokens for exchange in exchanges
    )
    assert sum(step.tokens.output for step in log.steps) == sum(
        exchange.output_tokens for exchange in exchanges
    )


@pytest.mark.usefixtures("recording")
def test_trace_and_event_bus_give_the_same_steps(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES) as replay, record_run() as run, collect_steps() as log:
        make_crew(replay).kickoff()
    assert _sorted(steps_from_trace(load_trace(run))) == _sorted(log.steps)


@pytest.mark.usefixtures("recording")
def test_trace_and_event_bus_agree_on_a_tool_that_raises(tmp_path: Path) -> None:
    lines = (
        tool_calls_line("data", ("lookup", {"country": "nowhere"})),
        reply_line("data", "no figures"),
    )
    with replay_lines(tmp_path, *lines) as replay, record_run() as run, collect_steps() as log:
        crew(task(agent(replay, "data", tools=[lookup]), "figures")).kickoff()
    assert _sorted(steps_from_trace(load_trace(run))) == _sorted(log.steps)
    (failed,) = (step for step in log.steps if step.error)
    assert failed.error == "LookupError: there is no country nowhere"


@pytest.mark.usefixtures("recording")
def test_trace_and_event_bus_agree_on_a_completion_that_fails(tmp_path: Path) -> None:
    faults = [unavailable("data", times=9)]
    with (
        replay_lines(tmp_path, *LINES, faults=faults) as replay,
        record_run() as run,
        collect_steps() as log,
        pytest.raises(Exception, match=r"503|[Uu]navailable"),
    ):
        make_crew(replay).kickoff()
    assert _sorted(steps_from_trace(load_trace(run))) == _sorted(log.steps)


@pytest.mark.usefixtures("recording")
def test_trace_and_event_bus_agree_on_an_agent_that_retries(tmp_path: Path) -> None:
    faults = [unavailable("data")]
    with (
        replay_lines(tmp_path, *LINES, faults=faults) as replay,
        record_run() as run,
        collect_steps() as log,
    ):
        make_crew(replay).kickoff()
    assert _sorted(steps_from_trace(load_trace(run))) == _sorted(log.steps)


def test_crews_in_threads_are_collected_separately(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES * 2) as replay:

        def run_crew() -> tuple[Step, ...]:
            with collect_steps() as log:
                make_crew(replay).kickoff()
            return log.steps

        with ThreadPoolExecutor(2) as pool:
            results = [job.result() for job in [pool.submit(run_crew) for _ in range(2)]]
    assert [len(steps) for steps in results] == [10, 10]


def test_each_kickoff_inside_a_block_is_collected(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES * 2) as replay, collect_steps() as log:
        make_crew(replay).kickoff_for_each([{"n": 1}, {"n": 2}])
    assert sum(step.kind == "crew" for step in log.steps) == 2


def test_nested_blocks_both_collect(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES * 2) as replay, collect_steps() as outer:
        make_crew(replay).kickoff()
        with collect_steps() as inner:
            make_crew(replay).kickoff()
    assert (len(outer.steps), len(inner.steps)) == (20, 10)


def test_a_thread_in_a_copy_of_the_context_is_collected(tmp_path: Path) -> None:
    with (
        replay_lines(tmp_path, *LINES) as replay,
        collect_steps() as log,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(copy_context().run, make_crew(replay).kickoff).result()
    assert len(log.steps) == 10


def test_callbacks_are_attributed_to_the_working_agent(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *LINES) as replay, collect_steps() as log:
        make_crew(replay, step_callback=on_step, task_callback=on_task).kickoff()
    callbacks = [(step.agent, step.kind, step.result) for step in log.callback_steps]
    assert ("data", "turn", "figures 4.9") in callbacks
    assert ("writer", "task", "report 4.9") in callbacks


def _sorted(steps: tuple[Step, ...]) -> list[Step]:
    return sorted(map(comparable, steps), key=repr)
