"""A tool call that CrewAI rejects before it executes the tool leaves a failed span."""

from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from crewai import Agent
from crewai.events import ToolUsageErrorEvent, crewai_event_bus

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.patches.crewai.test_call_spans import TextToolModel
from tests.support.autogen_agents import (
    API_KEY,
    Line,
    load_trace,
    replay_lines,
    reply_line,
    tool_calls_line,
)
from tests.support.crewai_crews import agent, crew, llm, lookup, task
from workflows.model import AGENT_HEADER

BROKEN = "{broken"


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def lookup_with(*arguments: Any) -> Line:
    return tool_calls_line("a", *(("lookup", each) for each in arguments))


def tool_calls(trace: Trace) -> list[tuple[str, Any, str]]:
    return [(call.name, call.inputs, call.status) for call in trace.spans_of_type("TOOL")]


def run_task(tmp_path: Path, line: Line) -> Trace:
    """Return the trace of a task in which the agent makes these tool calls."""
    with replay_lines(tmp_path, line, reply_line("a", "done")) as replay, record_run() as run:
        team = crew(task(agent(replay, "a", tools=[lookup], max_retry_limit=0), "work"))
        with suppress(ValueError):  # arguments that are JSON, but no object, fail the task
            team.kickoff()
    return load_trace(run)


@pytest.mark.xfail(reason="CrewAI emits no event for such a call", raises=AssertionError)
def test_upstream_crewai_emits_the_error_of_a_malformed_call(tmp_path: Path) -> None:
    errors: list[str] = []
    lines = (lookup_with(BROKEN), reply_line("a", "done"))
    with crewai_event_bus.scoped_handlers(), replay_lines(tmp_path, *lines) as replay:

        @crewai_event_bus.on(ToolUsageErrorEvent)
        def _(source: Any, event: ToolUsageErrorEvent) -> None:
            errors.append(event.tool_name)

        crew(task(agent(replay, "a", tools=[lookup]), "work")).kickoff()
        crewai_event_bus.flush()
    assert errors == ["lookup"]


@pytest.mark.usefixtures("recording")
def test_a_call_with_malformed_arguments_is_a_failed_call(tmp_path: Path) -> None:
    trace = run_task(tmp_path, lookup_with(BROKEN))
    assert tool_calls(trace) == [("lookup", {"arguments": BROKEN}, "ERROR")]
    (call,) = trace.spans_of_type("TOOL")
    assert "Failed to parse tool arguments as JSON" in call.status_message
    assert trace.root.status == "OK"


@pytest.mark.usefixtures("recording")
def test_the_other_calls_of_the_reply_are_recorded_too(tmp_path: Path) -> None:
    trace = run_task(tmp_path, lookup_with(BROKEN, {"country": "FR"}))
    assert sorted(status for *_, status in tool_calls(trace)) == ["ERROR", "OK"]


@pytest.mark.usefixtures("recording")
def test_arguments_that_are_not_an_object_are_a_failed_call(tmp_path: Path) -> None:
    trace = run_task(tmp_path, lookup_with('["FR"]'))
    assert tool_calls(trace) == [("lookup", ["FR"], "ERROR")]


@pytest.mark.usefixtures("recording")
def test_malformed_arguments_written_as_text_are_a_failed_call(tmp_path: Path) -> None:
    text = "Thought: so\nAction: lookup\nAction Input: <<<"
    lines = (reply_line("a", text), reply_line("a", "Final Answer: done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        model = TextToolModel(
            model="taped",
            base_url=replay.base_url,
            api_key=API_KEY,
            default_headers={AGENT_HEADER: "a"},
        )
        worker = Agent(role="a", goal="g", backstory="b", llm=model, tools=[lookup])
        crew(task(worker, "work")).kickoff()
    assert [(name, status) for name, _, status in tool_calls(load_trace(run))] == [
        ("lookup", "ERROR")
    ]


@pytest.mark.usefixtures("recording")
def test_an_unknown_function_is_a_failed_call(tmp_path: Path) -> None:
    with replay_lines(tmp_path, lookup_with({"country": "FR"})) as replay, record_run() as run:
        llm(replay, "a").call("go on", available_functions={"other": str})
    assert tool_calls(load_trace(run)) == [("lookup", {"country": "FR"}, "ERROR")]
