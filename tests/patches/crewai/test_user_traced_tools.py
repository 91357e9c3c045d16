"""A crew's tool that its author traces with `@mlflow.trace` leaves one TOOL span for each call."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from crewai.llms.providers.openai.completion import OpenAICompletion
from crewai.tools import BaseTool, tool

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import (
    API_KEY,
    load_trace,
    replay_lines,
    reply_line,
    tool_calls_line,
    trace_outline,
)
from tests.support.crewai_crews import agent, crew, task
from workflows.model import AGENT_HEADER

AUTHOR = {"author": "me"}
CALL_AS_TEXT = 'Thought: I shall look.\nAction: look\nAction Input: {"city": "Quito"}'


def look_inside(city: str) -> str:
    """Look at a city."""
    if city == "nowhere":
        raise LookupError("there is no such city")
    with mlflow.start_span("inner", span_type="TOOL"):
        return f"{city} is high"


traced_look: Any = mlflow.trace(look_inside, span_type="TOOL", attributes=AUTHOR, name="mine")


async def look_slowly(city: str) -> str:
    """Look at a city."""
    return look_inside(city)


class Look(BaseTool):
    name: str = "look"
    description: str = "Look at a city."

    @mlflow.trace(span_type="TOOL", attributes=AUTHOR)  # type: ignore[untyped-decorator]
    def _run(self, city: str) -> str:
        return look_inside(city)


class TextModel(OpenAICompletion):
    """A model that writes its tool calls as text."""

    def supports_function_calling(self) -> bool:
        return False


MAKERS: list[Callable[[], Any]] = [
    lambda: tool("look")(traced_look),
    lambda: tool("look")(mlflow.trace(look_slowly, span_type="TOOL", attributes=AUTHOR)),
    Look,
]


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def call_tool(tmp_path: Path, made: Any, city: str = "Quito") -> Trace:
    """Return the trace of a crew whose agent calls the tool once."""
    lines = (tool_calls_line("a", ("look", {"city": city})), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        crew(task(agent(replay, "a", tools=[made]), "work")).kickoff()
    return load_trace(run)


@pytest.mark.parametrize("make_tool", MAKERS, ids=["function", "async function", "method"])
def test_a_tool_that_its_author_traces_has_one_span(
    tmp_path: Path, make_tool: Callable[[], Any]
) -> None:
    trace = call_tool(tmp_path, make_tool())
    call, inner = trace.spans_of_type("TOOL")
    assert (call.name, call.inputs, call.outputs) == ("look", {"city": "Quito"}, "Quito is high")
    assert call.children == (inner,)
    assert call.attributes["author"] == "me"


def test_a_traced_tool_that_raises_is_one_failed_call(tmp_path: Path) -> None:
    (call,) = call_tool(tmp_path, tool("look")(traced_look), city="nowhere").spans_of_type("TOOL")
    assert call.status_message == "LookupError: there is no such city"


def test_a_traced_tool_called_in_text_has_one_span(tmp_path: Path) -> None:
    lines = (reply_line("a", CALL_AS_TEXT), reply_line("a", "Thought: yes\nFinal Answer: done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        worker = agent(replay, "a", tools=[tool("look")(traced_look)])
        worker.llm = TextModel(
            model="taped",
            base_url=replay.base_url,
            api_key=API_KEY,
            default_headers={AGENT_HEADER: "a"},
        )
        crew(task(worker, "work")).kickoff()
    calls = [line.strip() for line in trace_outline(load_trace(run)) if " TOOL " in line]
    assert calls == ["look TOOL OK", "inner TOOL OK"]


def test_the_authors_span_stays_outside_of_a_crew(tmp_path: Path) -> None:
    with record_run() as run:
        assert tool("look")(traced_look).run(city="Quito") == "Quito is high"
    assert trace_outline(load_trace(run)) == ["mine TOOL OK", "  inner TOOL OK"]
