"""A completion of a crew has the reply as the model wrote it, with its whole usage."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from crewai.events import LLMCallCompletedEvent, crewai_event_bus
from crewai.llms.providers.openai.completion import OpenAICompletion
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import cuts_stream
from tests.support.autogen_agents import Line, load_trace, replay_lines, reply_line
from tests.support.crewai_crews import agent, crew, lookup, lookup_line, task

TEXT_BESIDE_CALL = "I shall look France up."


class Figure(BaseModel):
    """A structured output; the year is optional."""

    value: float
    year: int = 2023


def text_and_lookups(*countries: str) -> Line:
    """Return a tape line with a text and lookup calls."""
    line = lookup_line("a", *countries)
    return line | {"reply": line["reply"] | {"content": TEXT_BESIDE_CALL}}


ANSWER = (text_and_lookups("FR"), reply_line("a", "done"))


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def run_task(tmp_path: Path, model: dict[str, Any]) -> Trace:
    """Return the trace of one agent with one task."""
    with replay_lines(tmp_path, *ANSWER) as replay, record_run() as run:
        crew(task(agent(replay, "a", tools=[lookup], llm=model), "work")).kickoff()
    return load_trace(run)


def first_message(trace: Trace) -> Any:
    return trace.spans_of_type("LLM")[0].outputs["choices"][0]["message"]


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object in JSON data."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from objects_in(child)


@pytest.mark.xfail(reason="CrewAI's event contains only the calls", raises=AssertionError)
def test_upstream_crewai_emits_the_text_beside_a_tool_call(tmp_path: Path) -> None:
    replies: list[Any] = []
    with crewai_event_bus.scoped_handlers(), replay_lines(tmp_path, *ANSWER) as replay:

        @crewai_event_bus.on(LLMCallCompletedEvent)
        def _(source: Any, event: LLMCallCompletedEvent) -> None:
            replies.append(to_jsonable_python(event.response, fallback=vars))

        crew(task(agent(replay, "a", tools=[lookup]), "work")).kickoff()
        crewai_event_bus.flush()
    assert any(TEXT_BESIDE_CALL in each.values() for each in objects_in(replies))


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("model", [{}, {"stream": True}, {"api": "responses"}])
def test_the_text_beside_a_tool_call_is_recorded(tmp_path: Path, model: dict[str, Any]) -> None:
    message = first_message(run_task(tmp_path, model))
    assert (message["content"], len(message["tool_calls"])) == (TEXT_BESIDE_CALL, 1)


@pytest.mark.usefixtures("recording")
async def test_the_text_is_recorded_for_an_async_kickoff(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *ANSWER) as replay, record_run() as run:
        await crew(task(agent(replay, "a", tools=[lookup]), "work")).akickoff()
    assert first_message(load_trace(run))["content"] == TEXT_BESIDE_CALL


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_structured_output_is_recorded_as_the_model_wrote_it(
    tmp_path: Path, streamed: bool
) -> None:
    text = '{"value":  4.9}'
    with replay_lines(tmp_path, reply_line("a", text)) as replay, record_run() as run:
        worker = agent(replay, "a", llm={"stream": streamed})
        crew(task(worker, "work", response_model=Figure)).kickoff()
    assert first_message(load_trace(run))["content"] == text


@pytest.mark.usefixtures("recording")
def test_a_stream_that_breaks_off_in_a_tool_call_has_the_part_so_far(tmp_path: Path) -> None:
    faults = [cuts_stream("a", after_frame=8)]
    with (
        replay_lines(tmp_path, text_and_lookups("FR"), faults=faults) as replay,
        record_run() as run,
    ):
        worker = agent(replay, "a", tools=[lookup], llm={"stream": True}, max_retry_limit=0)
        with pytest.raises(Exception, match="peer closed connection"):
            crew(task(worker, "work")).kickoff()
    message = first_message(load_trace(run))
    (call,) = message["tool_calls"]
    assert (message["content"], call["function"]["name"]) == (TEXT_BESIDE_CALL, "lookup")


def test_the_patch_is_undone(store: str) -> None:
    before = OpenAICompletion.__dict__["_extract_openai_token_usage"]
    with enable_tracing(store, frameworks=("crewai",)):
        assert OpenAICompletion.__dict__["_extract_openai_token_usage"] is not before
    assert OpenAICompletion.__dict__["_extract_openai_token_usage"] is before
