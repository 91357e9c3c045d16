"""Unusual or malformed replies of an endpoint to the `openai` package are recorded."""

import json
from typing import Any

import httpx
import pytest

from instrumentation.trace.span import Span
from patches.openai.reply_parsing import parse_reply
from tests.support.openai_clients import (
    CHAT_REQUEST,
    STREAM_OPTIONS,
    TEXT,
    async_openai_client,
    client_of_endpoint,
    only_llm_span,
    recording,
    replay_and_record,
    sync_client,
)

__all__ = ["recording"]
RECORDED = pytest.mark.usefixtures("recording")
EVENT_STREAM = "text/event-stream"


class ReadingTransport(httpx.HTTPTransport):
    """A transport that reads each response first, as logging or caching transports do."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.read()
        return response


class AsyncReadingTransport(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        await response.aread()
        return response


def record_stream(*deltas: Any, content_type: str = EVENT_STREAM) -> Span:
    """Return the span of a streamed completion with these deltas."""
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    frames = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    with client_of_endpoint(content_type, f"{frames}data: [DONE]\n\n") as (client, run):
        assert list(client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
    return only_llm_span(run)


def message(span: Span) -> Any:
    return span.outputs["choices"][0]["message"]


def tool_call_delta(name: str, id: str, **fields: Any) -> dict[str, Any]:
    return {"tool_calls": [{"id": id, "function": {"name": name, "arguments": "{}"}} | fields]}


@RECORDED
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_reply_already_read_by_the_transport_is_recorded(is_stream: bool) -> None:
    with replay_and_record() as (replay, run), httpx.Client(transport=ReadingTransport()) as http:
        reply = sync_client(replay, http_client=http).chat.completions.create(
            **CHAT_REQUEST, stream=is_stream
        )
        list(reply)
    span = only_llm_span(run)
    assert span.status == "OK"
    assert message(span)["content"] == TEXT


@RECORDED
async def test_a_reply_already_read_by_an_async_transport_is_recorded() -> None:
    with replay_and_record() as (replay, run):
        async with httpx.AsyncClient(transport=AsyncReadingTransport()) as http:
            await async_openai_client(replay, http_client=http).chat.completions.create(
                **CHAT_REQUEST
            )
    assert message(only_llm_span(run))["content"] == TEXT


@RECORDED
def test_tool_calls_without_an_index_are_separated() -> None:
    part: Any = {"tool_calls": [{"function": {"arguments": " "}}]}
    calls = message(record_stream(tool_call_delta("a", "1"), part, tool_call_delta("b", "2")))[
        "tool_calls"
    ]
    recorded = [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls
    ]
    assert recorded == [("1", "a", "{} "), ("2", "b", "{}")]


@RECORDED
def test_tool_calls_with_the_same_index_are_separated() -> None:
    reply = message(
        record_stream(tool_call_delta("a", "1", index=0), tool_call_delta("b", "2", index=0))
    )
    assert [call["function"]["name"] for call in reply["tool_calls"]] == ["a", "b"]


def test_a_huge_tool_call_index_takes_no_memory() -> None:
    delta = tool_call_delta("a", "1", index=10**12)
    chunk = json.dumps({"choices": [{"index": 0, "delta": delta}]})
    reply = parse_reply(f"data: {chunk}\n\n", is_stream=True)
    assert reply.outputs is not None
    assert len(reply.outputs["choices"][0]["message"]["tool_calls"]) == 1


@RECORDED
def test_a_legacy_function_call_is_assembled() -> None:
    first, second = {"name": "altitude", "arguments": '{"city":'}, {"arguments": '"La Paz"}'}
    span = record_stream({"function_call": first}, {"function_call": second})
    assembled = {"name": "altitude", "arguments": '{"city":"La Paz"}'}
    assert message(span)["function_call"] == assembled


@RECORDED
def test_a_stream_with_another_content_type_is_parsed() -> None:
    span = record_stream(
        {"content": "one "}, {"content": "two"}, content_type="application/octet-stream"
    )
    assert (span.status, message(span)["content"]) == ("OK", "one two")


@RECORDED
def test_an_html_page_instead_of_a_completion_is_an_error() -> None:
    with client_of_endpoint("text/html", "<title>Sign in</title>") as (client, run):
        client.chat.completions.create(**CHAT_REQUEST)
    expected = (
        "FailedReplyError: the reply is not a completion; it begins: '<title>Sign in</title>'"
    )
    assert only_llm_span(run).status_message == expected


@RECORDED
def test_a_malformed_part_does_not_affect_the_rest() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": "none"}
    body = {"choices": [{"message": {"content": "one"}}, "two"], "usage": usage}
    with client_of_endpoint("application/json", json.dumps(body)) as (client, run):
        client.chat.completions.with_raw_response.create(**CHAT_REQUEST)
    span = only_llm_span(run)
    assert message(span) == {"content": "one"}
    assert span.tokens.total == 7


@RECORDED
def test_a_byte_order_mark_is_ignored() -> None:
    body = json.dumps({"choices": [{"message": {"content": "one"}}]})
    with client_of_endpoint("application/json", f"\ufeff{body}") as (client, run):
        client.chat.completions.with_raw_response.create(**CHAT_REQUEST)
    assert message(only_llm_span(run)) == {"content": "one"}


@RECORDED
@pytest.mark.parametrize("choices", [None, [], [{}], [{"index": 0, "message": None}], ["one"]])
def test_a_reply_without_a_choice_is_an_error(choices: Any) -> None:
    body = json.dumps({"choices": choices})
    with client_of_endpoint("application/json", body) as (client, run):
        client.chat.completions.create(**CHAT_REQUEST)
    span = only_llm_span(run)
    assert span.failed
    assert span.status_message.endswith(f"is not a completion; it begins: {body!r}")


FAILED_CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "half an"},
    "finish_reason": "error",
    "error": {"code": 502, "message": "the provider went away"},
}
"""Some gateways report a failure of the provider inside a choice, with status 200."""


@RECORDED
@pytest.mark.parametrize("error", [{}, {"error": None}, {"error": FAILED_CHOICE["error"]}])
def test_a_choice_that_failed_is_an_error(error: Any) -> None:
    choice = {key: value for key, value in FAILED_CHOICE.items() if key != "error"}
    body = json.dumps({"choices": [choice | error]})
    with client_of_endpoint("application/json", body) as (client, run):
        client.chat.completions.create(**CHAT_REQUEST)
    span = only_llm_span(run)
    reason = "the provider went away" if error.get("error") else "finish reason 'error'"
    assert (span.status, message(span)["content"]) == ("ERROR", "half an")
    assert reason in span.status_message


@RECORDED
def test_a_choice_that_failed_in_a_stream_is_an_error() -> None:
    chunk = {"index": 0, "delta": {"content": "half an"}, "finish_reason": "error"}
    frame = f"data: {json.dumps({'choices': [chunk]})}\n\n"
    with client_of_endpoint(EVENT_STREAM, f"{frame}data: [DONE]\n\n") as (client, run):
        assert list(client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
    span = only_llm_span(run)
    assert (span.status, message(span)["content"]) == ("ERROR", "half an")


@RECORDED
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_completion_of_the_legacy_api_is_recorded(is_stream: bool) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    texts = ["one ", "two"] if is_stream else ["one two"]
    bodies: list[Any] = [{"choices": [{"index": 0, "text": text}]} for text in texts]
    bodies[-1]["choices"][0]["finish_reason"] = "stop"
    bodies[-1]["usage"] = usage
    text = json.dumps(bodies[0])
    if is_stream:
        text = "".join(f"data: {json.dumps(body)}\n\n" for body in bodies) + "data: [DONE]\n\n"
    content_type = EVENT_STREAM if is_stream else "application/json"
    with client_of_endpoint(content_type, text) as (client, run):
        list(client.completions.create(model="m", prompt="go on", stream=is_stream))
    span = only_llm_span(run)
    assert (span.name, span.status, span.tokens.total) == ("completions", "OK", 7)
    assert span.outputs["choices"][0]["text"] == "one two"
