"""A completion of a crew has the reply as the model wrote it, with its whole usage."""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from crewai import LLM
from crewai.events import LLMCallCompletedEvent, crewai_event_bus
from crewai.llms.providers.openai.completion import OpenAICompletion
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import cuts_stream
from tests.support.autogen_agents import API_KEY, Line, load_trace, replay_lines, reply_line
from tests.support.crewai_crews import agent, crew, lookup, lookup_line, task
from tests.support.openai_clients import client_of_endpoint

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


USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}


def record_call(
    body: Any, *, is_stream: bool = False, raises: str | None = None, **more: Any
) -> Any:
    """Return MLflow's only span of a call whose request gets this body, and its outputs."""
    content_type = "text/event-stream" if is_stream else "application/json"
    text = f"data: {json.dumps(body)}\n\ndata: [DONE]\n\n" if is_stream else json.dumps(body)
    with client_of_endpoint(content_type, text) as (endpoint, run):
        settings: Any = {"base_url": str(endpoint.base_url), "api_key": API_KEY, "max_retries": 0}
        settings |= more
        model = LLM(model="openai/gpt-4o-mini", stream=is_stream, **settings)
        if raises is None:
            model.call("go on")
        else:
            with pytest.raises(Exception, match=raises):
                model.call("go on")
    (trace,) = run.traces()
    (span,) = trace.data.spans
    return span


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_refusal_is_recorded(is_stream: bool) -> None:
    """CrewAI makes an empty text of it."""
    message = {"role": "assistant", "content": None, "refusal": "I will not"}
    choice = {"index": 0, "finish_reason": "stop", "delta" if is_stream else "message": message}
    span = record_call({"choices": [choice], "usage": USAGE}, is_stream=is_stream)
    assert span.outputs["choices"][0]["message"]["refusal"] == "I will not"
    assert span.get_attribute("mlflow.chat.tokenUsage")["total_tokens"] == 16


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        (
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
            "OK",
            {"role": "assistant", "content": "", "refusal": "no"},
        ),
        (
            {"output": [], "status": "failed", "error": {"message": "overloaded"}},
            "FailedReplyError: overloaded",
            {"role": "assistant", "content": ""},
        ),
    ],
    ids=["refused", "failed"],
)
def test_a_response_that_crewai_makes_an_empty_text_of_is_recorded(
    fields: Any, status: str, message: Any
) -> None:
    body = {"id": "r", "object": "response", "status": "completed"} | fields
    span = record_call(body, api="responses")
    assert (span.status.description or span.status.status_code.value) == status
    assert span.outputs["choices"][0]["message"] == message


@pytest.mark.usefixtures("recording")
def test_each_choice_and_the_reasoning_is_recorded() -> None:
    message = {"role": "assistant", "content": "one", "reasoning_content": "hm"}
    other = {"role": "assistant", "content": "two"}
    choices = [
        {"index": index, "finish_reason": "stop", "message": each}
        for index, each in enumerate((message, other))
    ]
    details = {"completion_tokens_details": {"reasoning_tokens": 3}}
    span = record_call({"choices": choices, "usage": USAGE | details})
    assert [choice["message"] for choice in span.outputs["choices"]] == [message, other]
    assert span.get_attribute("gen_ai.usage.reasoning.output_tokens") == 3


@pytest.mark.usefixtures("recording")
def test_a_reply_that_is_no_completion_is_quoted_and_its_tokens_are_counted() -> None:
    span = record_call({"note": "off duty", "choices": [], "usage": USAGE}, raises="no choices")
    assert "no choices" in span.status.description
    assert any("off duty" in event.attributes["exception.message"] for event in span.events)
    assert span.get_attribute("mlflow.chat.tokenUsage")["total_tokens"] == 16
