"""The trace of a crew contains no API keys and no dumped framework objects."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from crewai import LLM, Agent
from crewai.flow.flow import Flow, start
from crewai.tools import BaseTool
from pydantic import Field

from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import unavailable
from tests.support.autogen_agents import API_KEY, Line, replay_lines, reply_line, tool_calls_line
from tests.support.crewai_crews import agent, crew, task

TOOL_KEY = "sk-the-key-of-a-tool"
TEXT = "The inflation of France was 4.9 % in 2023, after 5.2 % in 2022. " * 20


class Lookup(BaseTool):
    """A tool with an API key."""

    name: str = "lookup"
    description: str = "Look a country up."
    api_key: str = Field(default=TOOL_KEY)

    def _run(self, country: str) -> str:
        if country == "nowhere":
            raise RuntimeError(f"401: no such key: Bearer {self.api_key}")
        return f"the value of {country}"


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def stored_trace_json(tmp_path: Path, *lines: Line, roles: str = "a", **options: Any) -> str:
    """Return the stored trace of a crew with one task per role, as JSON."""
    with replay_lines(tmp_path, *lines, **options) as replay, record_run() as run:
        agents = [agent(replay, role, tools=[Lookup()], max_retry_limit=1) for role in roles]
        crew(*(task(worker, f"task {worker.role}") for worker in agents)).kickoff()
    (trace,) = run.traces()
    return json.dumps(trace.to_dict())


def lookup_call(role: str, country: str = "FR") -> Line:
    return tool_calls_line(role, ("lookup", {"country": country}))


def test_the_trace_contains_no_api_key(tmp_path: Path) -> None:
    lines = (lookup_call("a"), reply_line("a", "done"))
    trace = stored_trace_json(tmp_path, *lines, faults=[unavailable("a", call=2)])
    assert "InternalServerError" in trace
    assert API_KEY not in trace
    assert TOOL_KEY not in trace


def test_an_api_key_in_an_error_message_is_redacted(tmp_path: Path) -> None:
    trace = json.loads(
        stored_trace_json(tmp_path, lookup_call("a", "nowhere"), reply_line("a", "done"))
    )
    (call,) = (span for span in trace["data"]["spans"] if span["name"] == "lookup")
    assert "no such key" in json.dumps(call)
    assert TOOL_KEY not in json.dumps(call)


def test_framework_objects_are_not_dumped(tmp_path: Path) -> None:
    lines = [line for role in "abcd" for line in (lookup_call(role), reply_line(role, TEXT))]
    trace = stored_trace_json(tmp_path, *lines, roles="abcd")
    assert len(trace) < 150_000
    assert "security_config" not in trace
    assert "object at 0x" not in trace


def run_flow(result: Any) -> Any:
    """Return the result of a flow that returns `result`, and its stored trace."""

    class Morning(Flow[dict[str, Any]]):
        @start()
        def brief(self) -> Any:
            return result

    with record_run() as run:
        flow_result = Morning().kickoff()
    (trace,) = run.traces()
    return flow_result, trace


def test_objects_in_a_flow_result_are_recorded_by_class_name() -> None:
    model = LLM(model="openai/taped", api_key=API_KEY, provider="openai")
    worker = Agent(role="a", goal="g", backstory="b", llm=model)
    _, trace = run_flow({"agent": worker, "tools": [Lookup()], "figure": 4.9})
    assert trace.data.spans[0].outputs == {"agent": "Agent", "tools": ["Lookup"], "figure": 4.9}
    assert API_KEY not in json.dumps(trace.to_dict())


def test_a_recursive_result_does_not_fail_the_flow() -> None:
    result: dict[str, Any] = {"figure": 4.9}
    result["itself"] = result
    flow_result, trace = run_flow(result)
    assert flow_result is result
    assert trace.data.spans[0].outputs == {"figure": 4.9, "itself": "dict"}


def test_an_unreadable_result_does_not_fail_the_flow() -> None:
    class Unreadable:
        @property
        def raw(self) -> str:
            raise RuntimeError("it cannot be read")

    _, trace = run_flow(Unreadable())
    assert trace.data.spans[0].outputs == "Unreadable"
