"""A flow that starts crews in a thread pool: they belong to its run, and with its context to it."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from crewai.flow.flow import Flow, start

from instrumentation.tracing import RunHandle, enable_tracing, record_run
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, trace_outline
from tests.support.crewai_crews import agent, crew, task

ROLES = ("north", "south")
Submit = Callable[..., Future[str]]


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def submit_plainly(pool: ThreadPoolExecutor, work: Callable[..., str], *args: Any) -> Future[str]:
    return pool.submit(work, *args)


def submit_with_context(
    pool: ThreadPoolExecutor, work: Callable[..., str], *args: Any
) -> Future[str]:
    return pool.submit(copy_context().run, work, *args)


@contextmanager
def run_flow(tmp_path: Path, submit: Submit) -> Iterator[tuple[ReplayServer, RunHandle]]:
    """Run a flow whose only method runs two crews, one per role, in a thread pool of its own."""
    lines = [reply_line(role, f"from {role}") for role in ROLES]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:

        def ask(role: str) -> str:
            return str(crew(task(agent(replay, role), role), name=f"crew {role}").kickoff())

        class Survey(Flow[dict[str, Any]]):
            @start()
            def survey(self) -> str:
                with ThreadPoolExecutor(2) as pool:
                    futures = [submit(pool, ask, role) for role in ROLES]
                return "; ".join(future.result() for future in futures)

        assert Survey().kickoff() == "from north; from south"
        assert not replay.refusals
        yield replay, run


def test_crews_in_a_pool_belong_to_the_run_of_the_flow(tmp_path: Path) -> None:
    with run_flow(tmp_path, submit_plainly) as (_, run):
        roots = [trace.data.spans[0].name for trace in run.traces()]
    assert sorted(roots) == ["Survey", "crew north", "crew south"]


def test_crews_in_a_pool_that_get_the_context_are_in_the_trace_of_the_flow(tmp_path: Path) -> None:
    with run_flow(tmp_path, submit_with_context) as (_, run):
        outline = trace_outline(load_trace(run))
    assert outline[:2] == ["Survey CHAIN OK", "  survey CHAIN OK"]
    assert sorted(outline[2:]) == sorted(
        line
        for role in ROLES
        for line in (
            f"    crew {role} CHAIN OK",
            f"      {role} TASK OK",
            f"        {role} AGENT OK",
            "          chat_completion LLM OK",
        )
    )
