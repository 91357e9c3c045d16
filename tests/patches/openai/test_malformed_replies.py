"""Odd replies: what an endpoint, or the transport before it, may hand to a client of `openai`."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest

from instrumentation.trace.span import Span
from instrumentation.tracing import RunHandle, record_run
from patches.openai.reply_parsing import parse_reply
from scenarios.http_server.connection import Connection
from scenarios.http_server.server import HOST, serve_app
from tests.support.openai_clients import (
    CHAT_REQUEST,
    STREAM_OPTIONS,
    TEXT,
    async_openai_client,
    only_llm_span,
    recording,
    replay_and_record,
    sync_client,
)

__all__ = ["recording"]
TOLD = pytest.mark.usefixtures("recording")
EVENTS = "text/event-stream"


class Reads(httpx.HTTPTransport):
    """A transport that reads each reply before it hands it on, as one that logs or caches does."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.read()
        return response


class AsyncReads(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        await response.aread()
        return response


@contextmanager
def sent(kind: str, text: str) -> Generator[tuple[openai.OpenAI, RunHandle]]:
    """A client, each of whose requests is answered with this text."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        wire = Connection(scope, receive, send)
        await wire.read_body()
        await wire.send_response(200, kind.encode(), text.encode())

    with serve_app(app) as port, record_run() as run:
        base_url = f"http://{HOST}:{port}/v1"
        with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as of:
            yield of, run


def streamed(*deltas: Any, kind: str = EVENTS) -> Span:
    """The span of a streamed completion that comes in these deltas."""
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    frames = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    with sent(kind, f"{frames}data: [DONE]\n\n") as (of, run):
        assert list(of.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
    return only_llm_span(run)


def message(span: Span) -> Any:
    return span.outputs["choices"][0]["message"]


def called(name: str, id: str, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"id": id, "function": {"name": name, "arguments": "{}"}} | more]}


@TOLD
@pytest.mark.parametrize("streams", [False, True])
def test_a_reply_that_its_transport_has_read_is_told(streams: bool) -> None:
    with replay_and_record() as (replay, run), httpx.Client(transport=Reads()) as http:
        got = sync_client(replay, http_client=http).chat.completions.create(
            **CHAT_REQUEST, stream=streams
        )
        list(got)
    span = only_llm_span(run)
    assert span.status == "OK"
    assert message(span)["content"] == TEXT


@TOLD
async def test_a_reply_that_its_async_transport_has_read_is_told() -> None:
    with replay_and_record() as (replay, run):
        async with httpx.AsyncClient(transport=AsyncReads()) as http:
            await async_openai_client(replay, http_client=http).chat.completions.create(
                **CHAT_REQUEST
            )
    assert message(only_llm_span(run))["content"] == TEXT


@TOLD
def test_calls_of_which_no_index_is_told_are_kept_apart() -> None:
    part: Any = {"tool_calls": [{"function": {"arguments": " "}}]}
    calls = message(streamed(called("a", "1"), part, called("b", "2")))["tool_calls"]
    told = [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls]
    assert told == [("1", "a", "{} "), ("2", "b", "{}")]


@TOLD
def test_calls_that_are_all_told_as_the_first_are_kept_apart() -> None:
    said = message(streamed(called("a", "1", index=0), called("b", "2", index=0)))
    assert [call["function"]["name"] for call in said["tool_calls"]] == ["a", "b"]


def test_a_call_far_from_the_first_takes_no_room_for_those_between() -> None:
    delta = called("a", "1", index=10**12)
    chunk = json.dumps({"choices": [{"index": 0, "delta": delta}]})
    said = parse_reply(f"data: {chunk}\n\n", is_stream=True)
    assert said.outputs is not None
    assert len(said.outputs["choices"][0]["message"]["tool_calls"]) == 1


@TOLD
def test_a_function_call_of_the_older_kind_is_joined() -> None:
    begun, more = {"name": "altitude", "arguments": '{"city":'}, {"arguments": '"La Paz"}'}
    span = streamed({"function_call": begun}, {"function_call": more})
    told = {"name": "altitude", "arguments": '{"city":"La Paz"}'}
    assert message(span)["function_call"] == told


@TOLD
def test_a_stream_is_one_by_whatever_name_it_comes() -> None:
    span = streamed({"content": "one "}, {"content": "two"}, kind="application/octet-stream")
    assert (span.status, message(span)["content"]) == ("OK", "one two")


@TOLD
def test_a_page_where_a_completion_is_due_has_failed() -> None:
    with sent("text/html", "<title>Sign in</title>") as (of, run):
        of.chat.completions.create(**CHAT_REQUEST)
    said = "FailedReplyError: the reply is no completion, but begins: '<title>Sign in</title>'"
    assert only_llm_span(run).status_message == said


@TOLD
def test_an_odd_part_of_a_reply_takes_nothing_else_along() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": "none"}
    body = {"choices": [{"message": {"content": "one"}}, "two"], "usage": usage}
    with sent("application/json", json.dumps(body)) as (of, run):
        of.chat.completions.with_raw_response.create(**CHAT_REQUEST)
    span = only_llm_span(run)
    assert message(span) == {"content": "one"}
    assert span.tokens.total == 7


@TOLD
def test_a_mark_of_its_encoding_is_no_part_of_a_reply() -> None:
    body = json.dumps({"choices": [{"message": {"content": "one"}}]})
    with sent("application/json", f"\ufeff{body}") as (of, run):
        of.chat.completions.with_raw_response.create(**CHAT_REQUEST)
    assert message(only_llm_span(run)) == {"content": "one"}
