"""What a model said in a crew: its own words, whatever CrewAI makes of them."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from crewai.events import LLMCallCompletedEvent, crewai_event_bus
from crewai.llms.providers.openai.completion import OpenAICompletion
from pydantic import BaseModel

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import cuts_stream
from tests.support.autogen_agents import Line, load_trace, replay_lines, reply_line
from tests.support.crewai_crews import agent, crew, lookup, lookup_line, task

THINKS = "I shall look France up."


class Figure(BaseModel):
    """What a task is to give; a model need not say of which year."""

    value: float
    year: int = 2023


def thinks(*countries: str) -> Line:
    """A line of the tape that says something, and asks for look-ups."""
    line = lookup_line("a", *countries)
    return line | {"reply": line["reply"] | {"content": THINKS}}


ANSWER = (thinks("FR"), reply_line("a", "done"))


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def worked(tmp_path: Path, model: dict[str, Any]) -> Trace:
    """The trace of one agent with one task."""
    with replay_lines(tmp_path, *ANSWER) as replay, record_run() as run:
        crew(task(agent(replay, "a", tools=[lookup], llm=model), "work")).kickoff()
    return load_trace(run)


def first_message(trace: Trace) -> Any:
    return trace.spans_of_type("LLM")[0].outputs["choices"][0]["message"]


@pytest.mark.xfail(reason="its event holds the calls alone", raises=AssertionError)
def test_crewai_alone_tells_what_is_said_along_with_a_call(tmp_path: Path) -> None:
    told: list[str] = []
    with crewai_event_bus.scoped_handlers(), replay_lines(tmp_path, *ANSWER) as replay:

        @crewai_event_bus.on(LLMCallCompletedEvent)
        def _(source: Any, event: LLMCallCompletedEvent) -> None:
            told.append(event.model_dump_json(exclude={"messages"}))

        crew(task(agent(replay, "a", tools=[lookup]), "work")).kickoff()
        crewai_event_bus.flush()
    assert any(THINKS in one for one in told)


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("model", [{}, {"stream": True}, {"api": "responses"}])
def test_what_is_said_along_with_a_call_is_shown_beside_it(
    tmp_path: Path, model: dict[str, Any]
) -> None:
    message = first_message(worked(tmp_path, model))
    assert (message["content"], len(message["tool_calls"])) == (THINKS, 1)


@pytest.mark.usefixtures("recording")
async def test_it_is_shown_where_the_crew_is_awaited_too(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *ANSWER) as replay, record_run() as run:
        await crew(task(agent(replay, "a", tools=[lookup]), "work")).akickoff()
    assert first_message(load_trace(run))["content"] == THINKS


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_object_is_shown_in_the_words_of_the_model(tmp_path: Path, streamed: bool) -> None:
    said = '{"value":  4.9}'
    with replay_lines(tmp_path, reply_line("a", said)) as replay, record_run() as run:
        one = agent(replay, "a", llm={"stream": streamed})
        crew(task(one, "work", response_model=Figure)).kickoff()
    assert first_message(load_trace(run))["content"] == said


@pytest.mark.usefixtures("recording")
def test_a_stream_that_breaks_in_a_call_shows_what_had_come_of_it(tmp_path: Path) -> None:
    faults = [cuts_stream("a", after_frame=8)]
    with replay_lines(tmp_path, thinks("FR"), faults=faults) as replay, record_run() as run:
        one = agent(replay, "a", tools=[lookup], llm={"stream": True}, max_retry_limit=0)
        with pytest.raises(Exception, match="peer closed connection"):
            crew(task(one, "work")).kickoff()
    message = first_message(load_trace(run))
    (call,) = message["tool_calls"]
    assert (message["content"], call["function"]["name"]) == (THINKS, "lookup")


def test_crewai_reads_what_was_spent_as_before_once_the_patch_is_off(store: str) -> None:
    before = OpenAICompletion.__dict__["_extract_openai_token_usage"]
    with enable_tracing(store, frameworks=("crewai",)):
        assert OpenAICompletion.__dict__["_extract_openai_token_usage"] is not before
    assert OpenAICompletion.__dict__["_extract_openai_token_usage"] is before
