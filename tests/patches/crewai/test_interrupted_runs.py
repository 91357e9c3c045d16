"""An interrupted crew leaves a trace that shows the interruption."""

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest
from crewai.events import CrewKickoffFailedEvent, crewai_event_bus
from crewai.flow.flow import Flow, start
from crewai.llms.hooks.base import BaseInterceptor
from crewai.tools import tool
from pydantic import BaseModel

from instrumentation.tracing import enable_tracing, record_run
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import end_spans_on_error
from scenarios.replay.faults import hangs
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, trace_outline
from tests.support.crewai_crews import agent, crew, llm, lookup_line, task


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


async def run_and_cancel(tmp_path: Path) -> None:
    """Start a crew whose model hangs, and cancel it."""
    with replay_lines(tmp_path, reply_line("a", "unused"), faults=[hangs("a")]) as replay:
        running = asyncio.ensure_future(crew(task(agent(replay, "a"), "work")).akickoff())
        for _ in range(300):
            await asyncio.wait([running], timeout=0.1)
            if replay.ledger.exchanges:
                break
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.mark.xfail(
    reason="CrewAI emits a failure event only for an Exception", raises=AssertionError
)
async def test_upstream_crewai_emits_a_failure_for_a_cancelled_crew(tmp_path: Path) -> None:
    errors: list[str] = []
    with crewai_event_bus.scoped_handlers():

        @crewai_event_bus.on(CrewKickoffFailedEvent)
        def _(source: Any, event: CrewKickoffFailedEvent) -> None:
            errors.append(event.error)

        await run_and_cancel(tmp_path)
        crewai_event_bus.flush()
    assert errors


@pytest.mark.usefixtures("recording")
async def test_a_cancelled_crew_leaves_a_complete_trace(tmp_path: Path) -> None:
    with record_run() as run:
        await run_and_cancel(tmp_path)
    trace = load_trace(run)
    assert trace_outline(trace) == [
        "office CHAIN ERROR",
        "  work TASK ERROR",
        "    a AGENT ERROR",
        "      chat_completion LLM ERROR",
    ]
    assert {span.status_message for root in trace.roots for span in root} == {"cancelled"}


@pytest.mark.usefixtures("recording")
async def test_a_cancelled_crew_leaves_no_span_active(tmp_path: Path) -> None:
    with replay_lines(tmp_path, reply_line("a", "unused"), faults=[hangs("a", call=1)]) as replay:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await crew(task(agent(replay, "a"), "work")).akickoff()
        assert mlflow.get_current_active_span() is None


@pytest.mark.usefixtures("recording")
def test_a_keyboard_interrupt_is_recorded(tmp_path: Path) -> None:
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


class InterruptingText:
    """Ctrl-C comes while it is written."""

    def __str__(self) -> str:
        raise KeyboardInterrupt


def open_spans(inputs: Any) -> None:
    with end_spans_on_error():
        OpenSpan(None, "outer", "CHAIN", None, {}).activate()
        OpenSpan(None, "inner", "TASK", inputs, {})


@pytest.mark.usefixtures("recording")
def test_an_interrupt_while_a_span_is_opened_stays_an_interrupt() -> None:
    with record_run() as run, pytest.raises(KeyboardInterrupt):
        open_spans({"text": InterruptingText()})
    messages = [span.status_message for span in load_trace(run)]
    assert messages == ["interrupted from the keyboard"] * len(messages)


class Deadline(BaseException):
    """Raised at any point of the work, as by a signal handler."""


class RaisingInterceptor(BaseInterceptor[httpx.Request, httpx.Response]):
    """Raises for each request."""

    def on_outbound(self, message: httpx.Request) -> httpx.Request:
        raise Deadline

    def on_inbound(self, message: httpx.Response) -> httpx.Response:
        return message


@pytest.mark.usefixtures("recording")
def test_a_completion_abandoned_by_a_tool_ends_with_the_tool(tmp_path: Path) -> None:
    lines = (lookup_line("a", "FR"), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        model = llm(replay, "b", interceptor=RaisingInterceptor())

        @tool("lookup")
        def call_model(country: str) -> str:
            """Look a country up."""
            try:
                return str(model.call(f"what of {country}?"))
            except Deadline:
                return "no answer"

        crew(task(agent(replay, "a", tools=[call_model]), "work")).kickoff()
    (call,) = load_trace(run).spans_of_type("TOOL")
    (abandoned,) = call.children
    assert (call.status, abandoned.status) == ("OK", "ERROR")
    assert abandoned.end_ns <= call.end_ns


class Count(BaseModel):
    """The state of a flow, into which not all inputs fit."""

    number: int = 0


class CountingFlow(Flow[Count]):
    """A flow whose state is structured."""

    @start()
    def count(self) -> int:
        return int(self.state.number)


class RefiningFlow(CountingFlow):
    """Calls the method of its base class."""

    async def kickoff_async(self, *args: Any, **kwargs: Any) -> Any:
        return await super().kickoff_async(*args, **kwargs)


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("flow", [CountingFlow, RefiningFlow])
def test_a_flow_that_rejects_its_inputs_leaves_one_failed_trace(flow: type[CountingFlow]) -> None:
    with record_run() as run, pytest.raises(ValueError, match="Invalid inputs"):
        flow().kickoff(inputs={"number": "many"})
    trace = load_trace(run)
    assert trace_outline(trace) == [f"{flow.__name__} CHAIN ERROR"]
    assert "Invalid inputs" in trace.root.status_message
    assert trace.root.inputs == {"number": "many"}


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("messages", [5, [{"no": "role"}]])
def test_an_agent_that_rejects_its_messages_leaves_one_failed_trace(
    tmp_path: Path, messages: Any
) -> None:
    with (
        replay_lines(tmp_path, reply_line("a", "unused")) as replay,
        record_run() as run,
        pytest.raises((TypeError, ValueError)),
    ):
        agent(replay, "a").kickoff(messages)
    trace = load_trace(run)
    assert trace_outline(trace) == ["a AGENT ERROR"]
    assert trace.root.inputs == {"messages": messages}


@pytest.mark.usefixtures("recording")
async def test_an_agent_with_an_unusable_tool_leaves_one_failed_trace(tmp_path: Path) -> None:
    with replay_lines(tmp_path, reply_line("a", "unused")) as replay, record_run() as run:
        worker = agent(replay, "a")
        worker.tools = [5]  # type: ignore[list-item]
        with pytest.raises(AttributeError):
            await worker.kickoff_async("hello")
    assert trace_outline(load_trace(run)) == ["a AGENT ERROR"]
