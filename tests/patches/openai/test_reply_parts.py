"""Every part of a reply to the `openai` package is recorded, and nothing that was not received."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from instrumentation.trace.span import Span
from instrumentation.tracing import record_run
from tests.support.autogen_agents import load_trace, trace_outline
from tests.support.openai_clients import (
    CHAT_REQUEST,
    RESPONSES_REQUEST,
    STREAM_OPTIONS,
    client_of_endpoint,
    only_llm_span,
    recording,
)

__all__ = ["recording"]
pytestmark = pytest.mark.usefixtures("recording")
USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
COMPLETION = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "one"}}],
    "usage": USAGE,
}
CUSTOM_TOOL: Any = {"type": "custom", "custom": {"name": "sql", "description": "Run a query."}}


def chunk(delta: Any, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta} | choice]}


def record_stream(*chunks: Any, **arguments: Any) -> Span:
    frames = "".join(f"data: {json.dumps(each)}\n\n" for each in chunks)
    with client_of_endpoint("text/event-stream", f"{frames}data: [DONE]\n\n") as (client, run):
        list(client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS, **arguments))
    return only_llm_span(run)


def record_response_stream(*events: Any) -> Span:
    frames = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    with client_of_endpoint("text/event-stream", frames) as (client, run):
        list(client.responses.create(**RESPONSES_REQUEST, stream=True))
    return only_llm_span(run)


def test_log_probabilities_of_a_stream_are_joined() -> None:
    tokens = [{"token": token, "logprob": -0.1} for token in ("o", "ne")]
    chunks = [
        chunk({"content": token["token"]}, logprobs={"content": [token], "refusal": None})
        for token in tokens
    ]
    filters = {"hate": {"filtered": False, "severity": "safe"}}
    for each in chunks:
        each["choices"][0]["content_filter_results"] = filters
    (choice,) = record_stream(*chunks, chunk({}, finish_reason="stop")).outputs["choices"]
    assert choice["message"]["content"] == "one"
    assert choice["logprobs"]["content"] == tokens
    assert choice["content_filter_results"] == filters


def test_a_streamed_call_of_a_custom_tool_is_joined() -> None:
    first = {"index": 0, "id": "1", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}
    second = {"index": 0, "custom": {"input": " 1"}}
    deltas = [chunk({"tool_calls": [part]}) for part in (first, second)]
    span = record_stream(*deltas, chunk({}, finish_reason="tool_calls"), tools=[CUSTOM_TOOL])
    assert span.outputs["choices"][0]["message"]["tool_calls"] == [
        {"id": "1", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    ]


def test_a_custom_tool_has_its_own_name_in_the_ui() -> None:
    with client_of_endpoint("application/json", json.dumps(COMPLETION)) as (client, run):
        client.chat.completions.create(**CHAT_REQUEST, tools=[CUSTOM_TOOL])
    (trace,) = run.traces()
    (tool,) = trace.data.spans[0].get_attribute("mlflow.chat.tools")
    assert tool["function"]["name"] == "sql"


def test_an_id_that_comes_with_each_chunk_is_recorded_once() -> None:
    deltas = [{"audio": {"id": "audio_1", "transcript": text}} for text in ("he", "llo")]
    span = record_stream(*map(chunk, deltas), chunk({}, finish_reason="stop"))
    assert span.outputs["choices"][0]["message"]["audio"] == {
        "id": "audio_1",
        "transcript": "hello",
    }


MESSAGE_ITEM = {"type": "message", "content": [{"type": "output_text", "text": "one"}]}
UNFINISHED = {"type": "response.created", "response": {"id": "r", "output": []}}


def test_a_response_without_output_in_its_last_event_has_the_items_sent_before() -> None:
    item = {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE_ITEM}
    last = {"type": "response.completed", "response": {"status": "completed", "output": []}}
    span = record_response_stream(UNFINISHED, item, last)
    assert (span.status, span.outputs) == ("OK", {"output": [MESSAGE_ITEM]})


@pytest.mark.parametrize(
    ("item", "events", "expected"),
    [
        (
            {"type": "custom_tool_call", "name": "sql", "input": ""},
            [{"type": "response.custom_tool_call_input.delta", "delta": "SELECT 1"}],
            {"type": "custom_tool_call", "name": "sql", "input": "SELECT 1"},
        ),
        (
            {"type": "code_interpreter_call", "code": None},
            [{"type": "response.code_interpreter_call_code.delta", "delta": "1 + 1"}],
            {"type": "code_interpreter_call", "code": "1 + 1"},
        ),
        (
            {"type": "reasoning", "summary": []},
            [
                {
                    "type": "response.reasoning_summary_part.added",
                    "summary_index": 0,
                    "part": {"type": "summary_text", "text": ""},
                },
                {
                    "type": "response.reasoning_summary_text.delta",
                    "summary_index": 0,
                    "delta": "hm",
                },
            ],
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        ),
    ],
    ids=["custom tool", "code", "reasoning"],
)
def test_a_response_that_breaks_off_has_each_item_so_far(
    item: Any, events: list[Any], expected: Any
) -> None:
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    deltas = ({"output_index": 0, **event} for event in events)
    span = record_response_stream(UNFINISHED, added, *deltas)
    assert (span.status, span.outputs) == ("ERROR", {"output": [expected]})


def test_a_completion_in_the_place_of_a_stream_is_an_error() -> None:
    """The client finds no event in it, and the program receives nothing."""
    with client_of_endpoint("application/json", json.dumps(COMPLETION)) as (client, run):
        assert not list(client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
    span = only_llm_span(run)
    assert (span.status, span.outputs, span.tokens.total) == ("ERROR", None, 16)
    assert "the reply is no stream, as requested; it begins: '{" in span.status_message


def test_a_stream_that_is_declared_as_json_is_parsed() -> None:
    frame = f"data: {json.dumps(chunk({'content': 'one'}, finish_reason='stop'))}\n\n"
    with client_of_endpoint("application/json", frame) as (client, run):
        assert list(client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
    span = only_llm_span(run)
    assert (span.status, span.outputs["choices"][0]["message"]["content"]) == ("OK", "one")


@pytest.mark.parametrize(
    "make_path",
    [
        lambda client: "chat/completions",
        lambda client: "/chat/completions/",
        lambda client: f"{client.base_url}chat/completions?draft=true",
    ],
    ids=["without a slash", "with a slash at its end", "a whole URL"],
)
def test_a_request_that_the_program_writes_itself_is_recorded(
    make_path: Callable[[openai.OpenAI], str],
) -> None:
    with client_of_endpoint("application/json", json.dumps(COMPLETION)) as (client, run):
        client.post(make_path(client), body=CHAT_REQUEST, cast_to=httpx.Response)
    span = only_llm_span(run)
    assert (span.name, span.tokens.total) == ("chat.completions", 16)


def test_token_counts_that_are_written_as_floats_are_recorded() -> None:
    usage = {"prompt_tokens": 11.0, "completion_tokens": 5.0, "total_tokens": 16.0}
    body = json.dumps(COMPLETION | {"usage": usage})
    with client_of_endpoint("application/json", body) as (client, run):
        reply = client.chat.completions.create(**CHAT_REQUEST)
    assert reply.usage is not None
    assert reply.usage.total_tokens == only_llm_span(run).tokens.total == 16


def test_a_streamed_response_that_reports_an_error_is_not_cut() -> None:
    event = {"type": "error", "code": "x", "message": "the model died", "sequence_number": 0}
    body = f"event: error\ndata: {json.dumps(event)}\n\n"
    with client_of_endpoint("text/event-stream", body) as (client, run):
        list(client.responses.create(**RESPONSES_REQUEST, stream=True))
        assert trace_outline(load_trace(run)) == ["responses LLM ERROR"]
    assert "the model died" in only_llm_span(run).status_message


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_reasoning_tokens_are_recorded(api: str) -> None:
    reasoning = {"reasoning_tokens": 3}
    if api == "chat":
        body = COMPLETION | {"usage": USAGE | {"completion_tokens_details": reasoning}}
    else:
        usage = {"input_tokens": 11, "output_tokens": 5, "output_tokens_details": reasoning}
        body = {"output": [MESSAGE_ITEM], "status": "completed", "usage": usage}
    with client_of_endpoint("application/json", json.dumps(body)) as (client, run):
        if api == "chat":
            client.chat.completions.create(**CHAT_REQUEST)
        else:
            client.responses.create(**RESPONSES_REQUEST)
    span = only_llm_span(run)
    assert span.attributes["gen_ai.usage.reasoning.output_tokens"] == 3
    assert span.attributes["mlflow.chat.tokenUsage"] == {
        "input_tokens": 11,
        "output_tokens": 5,
        "total_tokens": 16,
    }


class CachingClient(httpx.Client):
    """A client of the program's own that answers from a cache, and sends nothing."""

    def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        return httpx.Response(200, json=COMPLETION, request=request)


class AsyncCachingClient(httpx.AsyncClient):
    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        return httpx.Response(200, json=COMPLETION, request=request)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_reply_for_which_no_request_was_sent_is_recorded(is_async: bool) -> None:
    async def ask() -> None:
        async with AsyncCachingClient() as http_client:
            client = openai.AsyncOpenAI(api_key="none", http_client=http_client)
            await client.chat.completions.create(**CHAT_REQUEST)

    with record_run() as run:
        if is_async:
            asyncio.run(ask())
        else:
            with CachingClient() as http_client:
                client = openai.OpenAI(api_key="none", http_client=http_client)
                client.chat.completions.create(**CHAT_REQUEST)
    span = only_llm_span(run)
    assert (span.outputs["choices"][0]["message"]["content"], span.tokens.total) == ("one", 16)


def test_the_usage_in_groqs_place_is_recorded() -> None:
    last = chunk({}, finish_reason="stop") | {"x_groq": {"id": "g", "usage": USAGE}}
    assert record_stream(chunk({"content": "one"}), last).tokens.total == 16
