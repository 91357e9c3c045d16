"""A completion requested with the `openai` package leaves one span with request and reply."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

import mlflow
import openai
import pytest
from pydantic import BaseModel

from instrumentation import record_request, record_response
from instrumentation.tracing import enable_tracing, record_run
from patches.support.completion_attributes import CLOSED_EARLY_ATTRIBUTE
from scenarios.replay.faults import hangs, unavailable
from scenarios.replay.replay_server import replay_tape
from tests.support.autogen_agents import API_KEY, agent, load_trace, replay_lines, trace_outline
from tests.support.openai_clients import (
    CHAT_REQUEST,
    RESPONSES_REQUEST,
    STREAM_OPTIONS,
    TEXT,
    TOOL_CALLS,
    TOOL_DEFINITION,
    async_openai_client,
    only_llm_span,
    recording,
    replay_and_record,
    sync_client,
)
from tests.support.tapes import make_tape, reply_line

__all__ = ["recording"]
pytestmark = pytest.mark.usefixtures("recording")
SECRET = "not-for-any-model"


class Height(BaseModel):
    metres: int


def test_a_completion_has_its_request_and_reply() -> None:
    with replay_and_record() as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST, tools=[TOOL_DEFINITION])
    span, (served,) = only_llm_span(run), replay.ledger.exchanges
    assert (span.name, span.status) == ("chat.completions", "OK")
    assert span.inputs == CHAT_REQUEST | {"tools": [TOOL_DEFINITION]}
    (choice,) = span.outputs["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (TEXT, "stop")
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert (span.tokens.input, span.tokens.output) == (served.input_tokens, served.output_tokens)
    assert span.cost_usd


async def test_an_async_completion_is_recorded_the_same_way() -> None:
    recorded = []
    with replay_and_record(reply_line("a", TEXT), reply_line("a", TEXT)) as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST)
        async with async_openai_client(replay) as client:
            await client.chat.completions.create(**CHAT_REQUEST)
    for span in load_trace(run):
        recorded.append((span.name, span.inputs, span.outputs, span.tokens, span.cost_usd))
    assert recorded[0] == recorded[1]


def test_both_tool_calls_of_a_reply_are_recorded() -> None:
    with replay_and_record(reply_line("a", None, tool_calls=TOOL_CALLS)) as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST, tools=[TOOL_DEFINITION])
    message = only_llm_span(run).outputs["choices"][0]["message"]
    cities = [call["function"]["arguments"] for call in message["tool_calls"]]
    assert cities == ['{"city":"La Paz"}', '{"city":"Quito, Ecuador"}']


def test_a_response_has_its_request_and_reply() -> None:
    tool = {"type": "function", **TOOL_DEFINITION["function"]}
    with replay_and_record(reply_line("a", TEXT, tool_calls=TOOL_CALLS)) as (replay, run):
        sync_client(replay).responses.create(
            **RESPONSES_REQUEST, instructions="Be brief.", tools=[tool]
        )
    span, (served,) = only_llm_span(run), replay.ledger.exchanges
    assert span.name == "responses"
    assert span.inputs == RESPONSES_REQUEST | {"instructions": "Be brief.", "tools": [tool]}
    text, *calls = span.outputs["output"]
    assert text["content"][0]["text"] == TEXT
    assert [call["arguments"] for call in calls][1] == '{"city":"Quito, Ecuador"}'
    assert span.attributes["gen_ai.response.finish_reasons"] == ["completed"]
    assert span.tokens.total == served.input_tokens + served.output_tokens
    assert span.cost_usd


def test_the_tools_of_both_apis_have_the_same_format(store: str) -> None:
    with replay_and_record(reply_line("a", TEXT), reply_line("a", TEXT)) as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST, tools=[TOOL_DEFINITION])
        sync_client(replay).responses.create(
            **RESPONSES_REQUEST, tools=[{"type": "function", **TOOL_DEFINITION["function"]}]
        )
    tools = [trace.data.spans[0].get_attribute("mlflow.chat.tools") for trace in run.traces()]
    assert tools == [[TOOL_DEFINITION], [TOOL_DEFINITION]]


def test_a_parsed_completion_at_its_token_limit_has_its_usage() -> None:
    with (
        replay_and_record(reply_line("a", '{"metres":', finish_reason="length")) as (replay, run),
        pytest.raises(openai.LengthFinishReasonError),
    ):
        sync_client(replay).chat.completions.parse(**CHAT_REQUEST, response_format=Height)
    span = only_llm_span(run)
    assert span.failed
    assert span.tokens.output
    assert '{"metres":' in str(span.outputs)


@pytest.mark.parametrize("accessor", ["with_raw_response", "with_streaming_response"])
def test_a_raw_response_is_recorded_once_it_is_read(accessor: str) -> None:
    with replay_and_record() as (replay, run):
        create = getattr(sync_client(replay).chat.completions, accessor).create
        if accessor == "with_raw_response":
            create(**CHAT_REQUEST).parse()
        else:
            with create(**CHAT_REQUEST) as response:
                assert run.traces() == []
                response.read()
    assert TEXT in str(only_llm_span(run).outputs)


def test_an_unread_raw_response_is_closed_early() -> None:
    with (
        replay_and_record() as (replay, run),
        sync_client(replay).chat.completions.with_streaming_response.create(**CHAT_REQUEST),
    ):
        pass
    span = only_llm_span(run)
    assert (span.status, span.attributes[CLOSED_EARLY_ATTRIBUTE]) == ("OK", True)


async def test_a_cancelled_completion_is_an_error() -> None:
    with replay_and_record(faults=[hangs("a")]) as (replay, run):
        async with async_openai_client(replay) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.chat.completions.create(**CHAT_REQUEST), 0.2)
    span = only_llm_span(run)
    assert (span.status, span.status_message) == ("ERROR", "cancelled")
    assert span.inputs == CHAT_REQUEST


def test_neither_the_api_key_nor_a_header_is_recorded() -> None:
    with replay_and_record() as (replay, run):
        client = sync_client(replay, default_headers={"x-agent-name": "a", "x-service": SECRET})
        client.chat.completions.create(**CHAT_REQUEST, extra_headers={"x-token": SECRET})
    (trace,) = run.traces()
    assert not any(secret in str(trace.to_dict()) for secret in (API_KEY, SECRET))


def test_an_extra_body_is_recorded() -> None:
    with replay_and_record() as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST, extra_body={"top_k": 3})
    assert only_llm_span(run).inputs["top_k"] == 3


def test_invalid_parameters_are_recorded_and_rejected_by_the_api() -> None:
    invalid: Any = {"model": 3, "messages": "none", "tools": ["hammer", 3]}
    with replay_and_record() as (replay, run), pytest.raises(openai.BadRequestError):
        sync_client(replay).chat.completions.create(**invalid)
    assert only_llm_span(run).inputs == invalid


def test_other_requests_are_not_recorded() -> None:
    with replay_and_record() as (replay, run):
        sync_client(replay).models.list()
    assert run.traces() == []


def test_a_completion_is_part_of_the_open_trace() -> None:
    with replay_and_record() as (replay, run), mlflow.start_span("answer"):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST)
    assert trace_outline(load_trace(run)) == ["answer UNKNOWN OK", "  chat.completions LLM OK"]


def test_a_service_receives_the_trace_headers() -> None:
    headers: list[Any] = []
    with replay_and_record() as (replay, run):
        client = sync_client(replay)
        client._client.event_hooks["request"].append(
            lambda request: headers.append(request.headers)
        )
        client.chat.completions.create(**CHAT_REQUEST)
    (trace,) = run.traces()
    assert trace.info.trace_id.removeprefix("tr-") in headers[0]["traceparent"]


async def test_an_agents_completion_is_recorded_once(store: str, tmp_path: Any) -> None:
    with (
        enable_tracing(store, frameworks=("autogen", "openai")),
        replay_lines(tmp_path, reply_line("a", "one"), reply_line("a", "two")) as replay,
        record_run() as run,
    ):
        await agent(replay, "a").run(task="x")
        async for _ in agent(replay, "a", model_client_stream=True).run_stream(task="x"):
            pass
    trace = load_trace(run)
    names = [span.name for span in trace.spans_of_type("LLM")]
    assert names == ["chat_completion"] * 2
    assert all(
        span.attributes["flight_recorder.http.attempts"] == 1 for span in trace.spans_of_type("LLM")
    )


def test_a_crews_completion_is_recorded_once(store: str) -> None:
    from crewai import LLM

    with (
        enable_tracing(store, frameworks=("crewai", "openai")),
        replay_tape(make_tape(reply_line("a", "one"))) as replay,
        record_run() as run,
    ):
        settings: Any = {"base_url": replay.base_url, "api_key": API_KEY}
        agent_header: Any = {"default_headers": {"x-agent-name": "a"}}
        LLM(model="openai/taped", **settings, **agent_header).call("go on")
    (span,) = load_trace(run).spans_of_type("LLM")
    assert span.name == "chat_completion"


async def test_a_task_started_by_a_completion_has_its_own_span_afterwards() -> None:
    is_done, tasks = asyncio.Event(), list[asyncio.Task[None]]()

    async def request_later(client: Any) -> None:
        await is_done.wait()
        await client.chat.completions.create(**CHAT_REQUEST)

    with replay_and_record(reply_line("a", "one"), reply_line("a", "two")) as (replay, run):
        async with async_openai_client(replay) as client, async_openai_client(replay) as other:

            async def start_task(_: object) -> None:
                tasks.append(asyncio.create_task(request_later(other)))

            client._client.event_hooks["request"].append(start_task)
            await client.chat.completions.create(**CHAT_REQUEST)
            is_done.set()
            await asyncio.gather(*tasks)
    assert len(load_trace(run).spans_of_type("LLM")) == 2


def test_no_warning_is_logged_while_tracing_is_off(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("mlflow")  # it does not propagate
    log.addHandler(caplog.handler)
    mlflow.tracing.disable()
    try:
        with caplog.at_level(logging.WARNING, log.name), replay_and_record() as (replay, run):
            sync_client(replay).chat.completions.create(**CHAT_REQUEST)
    finally:
        mlflow.tracing.enable()
        log.removeHandler(caplog.handler)
    assert run.traces() == []
    assert [record for record in caplog.records if record.name.startswith("mlflow")] == []


def test_a_stream_has_its_request() -> None:
    with replay_and_record() as (replay, run):
        list(sync_client(replay).chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
    assert only_llm_span(run).inputs == CHAT_REQUEST | STREAM_OPTIONS


def test_a_completion_that_the_program_records_itself_is_recorded_once() -> None:
    with replay_and_record() as (replay, run), mlflow.start_span("ask", span_type="LLM") as span:
        record_request(span, "a", CHAT_REQUEST)
        completion = sync_client(replay).chat.completions.create(**CHAT_REQUEST)
        record_response(span, completion.model_dump())
    assert only_llm_span(run).name == "ask"


@pytest.mark.parametrize("span_type", ["LLM", "CHAT_MODEL"])
def test_a_completion_inside_a_programs_own_llm_span_is_recorded(span_type: str) -> None:
    async def answer(client: Any) -> AsyncGenerator[str]:
        async for chunk in await client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS):
            yield str(chunk)

    traced_answer = mlflow.trace(answer, span_type=span_type)

    async def read_answer(replay: Any) -> None:
        async with async_openai_client(replay) as client:
            async for _ in traced_answer(client):
                pass

    with replay_and_record() as (replay, run):
        asyncio.run(read_answer(replay))
    trace = load_trace(run)
    assert trace_outline(trace) == [f"answer {span_type} OK", "  chat.completions LLM OK"]
    assert trace.root.children[0].tokens.total


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_completion_through_a_client_of_httpx2_is_recorded(is_stream: bool) -> None:
    httpx2 = pytest.importorskip("httpx2")
    fault = unavailable("a", times=1)
    with replay_and_record(faults=[fault]) as (replay, run), httpx2.Client() as http:
        client = sync_client(replay, http_client=http, max_retries=1)
        list(client.chat.completions.create(**CHAT_REQUEST, stream=is_stream))
    span = only_llm_span(run)
    assert TEXT in str(span.outputs)
    assert span.attributes["flight_recorder.http.attempts"] == 2
    assert [attempt.name for attempt in span.children] == ["HTTP 503"]
