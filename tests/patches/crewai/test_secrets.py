"""What must not be in the trace of a crew: keys, and whole objects of the framework."""

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
    """A tool that holds a key."""

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


def stored(tmp_path: Path, *lines: Line, roles: str = "a", **more: Any) -> str:
    """All that is stored of a crew with one task for each role, as JSON."""
    with replay_lines(tmp_path, *lines, **more) as replay, record_run() as run:
        agents = [agent(replay, role, tools=[Lookup()], max_retry_limit=1) for role in roles]
        crew(*(task(one, f"task {one.role}") for one in agents)).kickoff()
    (trace,) = run.traces()
    return json.dumps(trace.to_dict())


def asks(role: str, country: str = "FR") -> Line:
    return tool_calls_line(role, ("lookup", {"country": country}))


def test_no_key_is_in_the_trace_of_a_crew(tmp_path: Path) -> None:
    lines = (asks("a"), reply_line("a", "done"))
    trace = stored(tmp_path, *lines, faults=[unavailable("a", call=2)])
    assert "InternalServerError" in trace
    assert API_KEY not in trace
    assert TOOL_KEY not in trace


def test_a_key_in_the_words_of_an_error_is_left_out(tmp_path: Path) -> None:
    trace = json.loads(stored(tmp_path, asks("a", "nowhere"), reply_line("a", "done")))
    (call,) = (span for span in trace["data"]["spans"] if span["name"] == "lookup")
    assert "no such key" in json.dumps(call)
    assert TOOL_KEY not in json.dumps(call)


def test_no_object_of_the_framework_is_dumped_into_a_trace(tmp_path: Path) -> None:
    lines = [line for role in "abcd" for line in (asks(role), reply_line(role, TEXT))]
    trace = stored(tmp_path, *lines, roles="abcd")
    assert len(trace) < 150_000
    assert "security_config" not in trace
    assert "object at 0x" not in trace


def flown(result: Any) -> Any:
    """The result of a flow that gives this, and all that is stored of it."""

    class Morning(Flow[dict[str, Any]]):
        @start()
        def brief(self) -> Any:
            return result

    with record_run() as run:
        given = Morning().kickoff()
    (trace,) = run.traces()
    return given, trace


def test_of_an_object_that_a_flow_gives_its_class_is_shown() -> None:
    model = LLM(model="openai/taped", api_key=API_KEY, provider="openai")
    one = Agent(role="a", goal="g", backstory="b", llm=model)
    _, trace = flown({"agent": one, "tools": [Lookup()], "figure": 4.9})
    assert trace.data.spans[0].outputs == {"agent": "Agent", "tools": ["Lookup"], "figure": 4.9}
    assert API_KEY not in json.dumps(trace.to_dict())


def test_what_holds_itself_fails_no_flow() -> None:
    result: dict[str, Any] = {"figure": 4.9}
    result["itself"] = result
    given, trace = flown(result)
    assert given is result
    assert trace.data.spans[0].outputs == {"figure": 4.9, "itself": "dict"}


def test_what_cannot_be_read_fails_no_flow() -> None:
    class Closed:
        @property
        def raw(self) -> str:
            raise RuntimeError("nobody may read it")

    _, trace = flown(Closed())
    assert trace.data.spans[0].outputs == "Closed"
