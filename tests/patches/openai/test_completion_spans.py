"""A completion that a program asks `openai` for itself: one span, with all that was said."""

import asyncio
import logging
from typing import Any

import mlflow
import openai
import pytest
from pydantic import BaseModel

from instrumentation.tracing import enable_tracing, imported_frameworks, record_run
from scenarios.replay.faults import hangs
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


def test_a_completion_is_told_as_it_was_asked_and_answered() -> None:
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


async def test_an_async_completion_looks_the_same() -> None:
    told = []
    with replay_and_record(reply_line("a", TEXT), reply_line("a", TEXT)) as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST)
        async with async_openai_client(replay) as of:
            await of.chat.completions.create(**CHAT_REQUEST)
    for span in load_trace(run):
        told.append((span.name, span.inputs, span.outputs, span.tokens, span.cost_usd))
    assert told[0] == told[1]


def test_both_tool_calls_of_a_reply_are_told() -> None:
    with replay_and_record(reply_line("a", None, tool_calls=TOOL_CALLS)) as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST, tools=[TOOL_DEFINITION])
    message = only_llm_span(run).outputs["choices"][0]["message"]
    cities = [call["function"]["arguments"] for call in message["tool_calls"]]
    assert cities == ['{"city":"La Paz"}', '{"city":"Quito, Ecuador"}']


def test_a_response_is_told_as_it_was_asked_and_answered() -> None:
    tool = {"type": "function", **TOOL_DEFINITION["function"]}
    with replay_and_record(reply_line("a", TEXT, tool_calls=TOOL_CALLS)) as (replay, run):
        sync_client(replay).responses.create(
            **RESPONSES_REQUEST, instructions="Be brief.", tools=[tool]
        )
    span, (served,) = only_llm_span(run), replay.ledger.exchanges
    assert span.name == "responses"
    assert span.inputs == RESPONSES_REQUEST | {"instructions": "Be brief.", "tools": [tool]}
    said, *calls = span.outputs["output"]
    assert said["content"][0]["text"] == TEXT
    assert [call["arguments"] for call in calls][1] == '{"city":"Quito, Ecuador"}'
    assert span.attributes["gen_ai.response.finish_reasons"] == ["completed"]
    assert span.tokens.total == served.input_tokens + served.output_tokens
    assert span.cost_usd


def test_the_tools_of_both_apis_are_told_in_the_same_shape(store: str) -> None:
    with replay_and_record(reply_line("a", TEXT), reply_line("a", TEXT)) as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST, tools=[TOOL_DEFINITION])
        sync_client(replay).responses.create(
            **RESPONSES_REQUEST, tools=[{"type": "function", **TOOL_DEFINITION["function"]}]
        )
    tools = [trace.data.spans[0].get_attribute("mlflow.chat.tools") for trace in run.traces()]
    assert tools == [[TOOL_DEFINITION], [TOOL_DEFINITION]]


def test_a_parsed_completion_that_met_its_limit_keeps_what_it_took() -> None:
    with (
        replay_and_record(reply_line("a", '{"metres":', finish_reason="length")) as (replay, run),
        pytest.raises(openai.LengthFinishReasonError),
    ):
        sync_client(replay).chat.completions.parse(**CHAT_REQUEST, response_format=Height)
    span = only_llm_span(run)
    assert span.failed
    assert span.tokens.output
    assert '{"metres":' in str(span.outputs)


@pytest.mark.parametrize("way", ["with_raw_response", "with_streaming_response"])
def test_a_raw_response_is_told_once_it_is_read(way: str) -> None:
    with replay_and_record() as (replay, run):
        create = getattr(sync_client(replay).chat.completions, way).create
        if way == "with_raw_response":
            create(**CHAT_REQUEST).parse()
        else:
            with create(**CHAT_REQUEST) as response:
                assert run.traces() == []
                response.read()
    assert TEXT in str(only_llm_span(run).outputs)


def test_a_raw_response_that_is_not_read_was_closed_early() -> None:
    with (
        replay_and_record() as (replay, run),
        sync_client(replay).chat.completions.with_streaming_response.create(**CHAT_REQUEST),
    ):
        pass
    span = only_llm_span(run)
    assert (span.status, span.status_message) == ("ERROR", "closed by its consumer before the end")


async def test_a_cancelled_completion_says_so() -> None:
    with replay_and_record(faults=[hangs("a")]) as (replay, run):
        async with async_openai_client(replay) as of:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(of.chat.completions.create(**CHAT_REQUEST), 0.2)
    span = only_llm_span(run)
    assert (span.status, span.status_message) == ("ERROR", "cancelled")
    assert span.inputs == CHAT_REQUEST


def test_neither_the_key_nor_a_header_is_told() -> None:
    with replay_and_record() as (replay, run):
        of = sync_client(replay, default_headers={"x-agent-name": "a", "x-service": SECRET})
        of.chat.completions.create(**CHAT_REQUEST, extra_headers={"x-token": SECRET})
    (trace,) = run.traces()
    assert not any(secret in str(trace.to_dict()) for secret in (API_KEY, SECRET))


def test_a_body_of_the_callers_own_is_told() -> None:
    with replay_and_record() as (replay, run):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST, extra_body={"top_k": 3})
    assert only_llm_span(run).inputs["top_k"] == 3


def test_what_the_api_will_not_read_is_refused_by_the_api() -> None:
    odd: Any = {"model": 3, "messages": "none", "tools": ["hammer", 3]}
    with replay_and_record() as (replay, run), pytest.raises(openai.BadRequestError):
        sync_client(replay).chat.completions.create(**odd)
    assert only_llm_span(run).inputs == odd


def test_what_asks_for_no_completion_is_not_told_as_one() -> None:
    with replay_and_record() as (replay, run):
        sync_client(replay).models.list()
    assert run.traces() == []


def test_embeddings_are_still_told_by_mlflow() -> None:
    line = {"lane": "a", "origin": "scripted", "path": "/v1/embeddings"}
    with replay_and_record(line | {"reply": {"embeddings": [[0.5]]}}) as (replay, run):
        sync_client(replay).embeddings.create(model="m", input="one")
    assert trace_outline(load_trace(run)) == ["Embeddings EMBEDDING OK"]


def test_a_completion_stands_in_the_trace_that_is_open() -> None:
    with replay_and_record() as (replay, run), mlflow.start_span("answer"):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST)
    assert trace_outline(load_trace(run)) == ["answer UNKNOWN OK", "  chat.completions LLM OK"]


def test_a_service_that_is_asked_may_join_the_trace() -> None:
    seen: list[Any] = []
    with replay_and_record() as (replay, run):
        of = sync_client(replay)
        of._client.event_hooks["request"].append(lambda request: seen.append(request.headers))
        of.chat.completions.create(**CHAT_REQUEST)
    (trace,) = run.traces()
    assert trace.info.trace_id.removeprefix("tr-") in seen[0]["traceparent"]


def test_it_is_on_only_where_it_is_named() -> None:
    assert "openai" not in imported_frameworks()


async def test_an_agents_completion_is_not_doubled_by_its_client(store: str, tmp_path: Any) -> None:
    with (
        enable_tracing(store, frameworks=("autogen", "openai")),
        replay_lines(tmp_path, reply_line("a", "one"), reply_line("a", "two")) as replay,
        record_run() as run,
    ):
        await agent(replay, "a").run(task="x")
        async for _ in agent(replay, "a", model_client_stream=True).run_stream(task="x"):
            pass
    trace = load_trace(run)
    names = [span.name.partition(".")[2] for span in trace.spans_of_type("LLM")]
    assert names == ["create", "create_stream"]
    assert all(
        span.attributes["flight_recorder.http.attempts"] == 1 for span in trace.spans_of_type("LLM")
    )


def test_a_crews_completion_is_not_doubled_by_its_client(store: str) -> None:
    from crewai import LLM

    with (
        enable_tracing(store, frameworks=("crewai", "openai")),
        replay_tape(make_tape(reply_line("a", "one"))) as replay,
        record_run() as run,
    ):
        settings: Any = {"base_url": replay.base_url, "api_key": API_KEY}
        named: Any = {"default_headers": {"x-agent-name": "a"}}
        LLM(model="openai/taped", **settings, **named).call("go on")
    (span,) = load_trace(run).spans_of_type("LLM")
    assert span.name == "OpenAICompletion.call"


async def test_what_a_completion_began_asks_on_its_own_once_it_is_over() -> None:
    over, begun = asyncio.Event(), list[asyncio.Task[None]]()

    async def later(of: Any) -> None:
        await over.wait()
        await of.chat.completions.create(**CHAT_REQUEST)

    with replay_and_record(reply_line("a", "one"), reply_line("a", "two")) as (replay, run):
        async with async_openai_client(replay) as of, async_openai_client(replay) as other:

            async def begin(_: object) -> None:
                begun.append(asyncio.create_task(later(other)))

            of._client.event_hooks["request"].append(begin)
            await of.chat.completions.create(**CHAT_REQUEST)
            over.set()
            await asyncio.gather(*begun)
    assert len(load_trace(run).spans_of_type("LLM")) == 2


def test_nobody_is_warned_where_tracing_is_off(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("mlflow")  # which hands nothing on
    log.addHandler(caplog.handler)
    mlflow.tracing.disable()
    try:
        with caplog.at_level(logging.WARNING, log.name), replay_and_record() as (replay, run):
            sync_client(replay).chat.completions.create(**CHAT_REQUEST)
    finally:
        mlflow.tracing.enable()
        log.removeHandler(caplog.handler)
    assert run.traces() == []
    assert caplog.text == ""


def test_a_stream_asks_as_a_plain_completion_does() -> None:
    with replay_and_record() as (replay, run):
        list(sync_client(replay).chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
    assert only_llm_span(run).inputs == CHAT_REQUEST | STREAM_OPTIONS
