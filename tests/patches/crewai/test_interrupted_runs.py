"""A crew that is interrupted: its trace is there, and says by what."""

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest
from crewai.events import CrewKickoffFailedEvent, crewai_event_bus
from crewai.llms.hooks.base import BaseInterceptor
from crewai.tools import tool

from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import hangs
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, trace_outline
from tests.support.crewai_crews import agent, crew, llm, lookup_line, task


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


async def cancelled(tmp_path: Path) -> None:
    """Kick a crew off whose model hangs, and cancel it."""
    with replay_lines(tmp_path, reply_line("a", "never"), faults=[hangs("a")]) as replay:
        running = asyncio.ensure_future(crew(task(agent(replay, "a"), "work")).akickoff())
        await asyncio.wait([running], timeout=0.7)
        assert replay.ledger.exchanges
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.mark.xfail(reason="only an Exception is announced", raises=AssertionError)
async def test_crewai_alone_announces_that_a_crew_was_cancelled(tmp_path: Path) -> None:
    announced: list[str] = []
    with crewai_event_bus.scoped_handlers():

        @crewai_event_bus.on(CrewKickoffFailedEvent)
        def _(source: Any, event: CrewKickoffFailedEvent) -> None:
            announced.append(event.error)

        await cancelled(tmp_path)
        crewai_event_bus.flush()
    assert announced


@pytest.mark.usefixtures("recording")
async def test_a_crew_that_is_cancelled_leaves_a_whole_trace(tmp_path: Path) -> None:
    with record_run() as run:
        await cancelled(tmp_path)
    trace = load_trace(run)
    assert trace_outline(trace) == [
        "office CHAIN ERROR",
        "  work TASK ERROR",
        "    a AGENT ERROR",
        "      OpenAICompletion.call LLM ERROR",
    ]
    assert {span.status_message for root in trace.roots for span in root} == {"cancelled"}


@pytest.mark.usefixtures("recording")
async def test_what_runs_after_a_cancelled_crew_is_no_part_of_it(tmp_path: Path) -> None:
    with replay_lines(tmp_path, reply_line("a", "never"), faults=[hangs("a", call=1)]) as replay:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await crew(task(agent(replay, "a"), "work")).akickoff()
        assert mlflow.get_current_active_span() is None


@pytest.mark.usefixtures("recording")
def test_a_crew_that_is_interrupted_from_the_keyboard_says_so(tmp_path: Path) -> None:
    @tool("lookup")
    def lookup(country: str) -> str:
        """Look a country up."""
        raise KeyboardInterrupt

    with (
        replay_lines(tmp_path, lookup_line("a", "FR")) as replay,
        record_run() as run,
        pytest.raises(KeyboardInterrupt),
    ):
        crew(task(agent(replay, "a", tools=[lookup]), "work")).kickoff()
    trace = load_trace(run)
    assert trace.root.status == "ERROR"
    assert trace.root.status_message == "interrupted from the keyboard"


class Deadline(BaseException):
    """What a clock raises in the middle of whatever is being done, as a signal does."""


class Clock(BaseInterceptor[httpx.Request, httpx.Response]):
    """Lets no request pass."""

    def on_outbound(self, message: httpx.Request) -> httpx.Request:
        raise Deadline

    def on_inbound(self, message: httpx.Response) -> httpx.Response:
        return message


@pytest.mark.usefixtures("recording")
def test_a_completion_that_a_tool_gives_up_ends_with_that_tool(tmp_path: Path) -> None:
    lines = (lookup_line("a", "FR"), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        model = llm(replay, "b", interceptor=Clock())

        @tool("lookup")
        def asks(country: str) -> str:
            """Look a country up."""
            try:
                return str(model.call(f"what of {country}?"))
            except Deadline:
                return "no answer"

        crew(task(agent(replay, "a", tools=[asks]), "work")).kickoff()
    (call,) = load_trace(run).spans_of_type("TOOL")
    (given_up,) = call.children
    assert (call.status, given_up.status) == ("OK", "ERROR")
    assert given_up.end_ns <= call.end_ns
