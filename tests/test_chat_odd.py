"""Odd endpoints: what they stream is read, or told in a sentence, and the trace is there."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from workflows.chat_answer import NoAnswer
from workflows.chat_stream import converse
from workflows.model import TruncatedAnswerError, Model

DONE = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}', "[DONE]"
EVENTS = "text/event-stream"


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def delta(**said: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": said, "finish_reason": None}]})


@asynccontextmanager
async def endpoint(body: str, kind: str) -> AsyncGenerator[str]:
    """One that answers every request with this body; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
        await reader.readexactly(int(length.partition(b":")[2]))
        sent = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body.encode())}"
        writer.write(f"{sent}\r\nconnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def answered(*events: str, body: str = "", kind: str = EVENTS) -> tuple[str, Trace]:
    """What the assistant's answer is, or why there is none, and its trace."""
    streamed = body or "".join(f"data: {event}\n\n" for event in events)
    async with endpoint(streamed, kind) as url:
        with record_run() as run:
            try:
                said = await converse("one", Model("m", url, "k"), session="s", retries=0)
                told = said.turns[0].answer.text
            except (TruncatedAnswerError, NoAnswer) as error:
                told = str(error)
        return told, trace_from_mlflow(one.to_dict() for one in run.traces())


@pytest.mark.parametrize("sent", ['"hello"', "null", "[]", "1"])
async def test_json_that_is_no_event_breaks_the_stream(sent: str) -> None:
    told, trace = await answered(delta(content="so"), sent, *DONE)
    assert told.startswith("the stream broke after 2 characters (NoEvent: the endpoint sent ")
    assert {span.status for span in trace} == {"ERROR"}


@pytest.mark.parametrize("content", [5, [{"type": "text", "text": "hi"}], {"text": "hi"}])
async def test_a_text_that_is_none_breaks_the_stream(content: Any) -> None:
    told, _ = await answered(delta(content=content), *DONE)
    assert "for a text)" in told


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": -1}, {"index": 3}])
async def test_a_call_that_is_not_numbered_as_due_is_read(index: dict[str, Any]) -> None:
    call = {"function": {"name": "look_up", "arguments": "{}"}} | index
    told, trace = await answered(delta(tool_calls=[call]), *DONE)
    assert told == "the model called look_up, and it was given no tool"
    (kept,) = trace.spans_of_type("LLM")[0].outputs["choices"][0]["message"]["tool_calls"]
    assert kept["function"] == call["function"]


async def test_a_sign_that_was_cut_between_two_events_is_whole() -> None:
    told, trace = await answered(delta(content="\ud83d"), delta(content="\ude00"), *DONE)
    assert told == "😀"
    assert len(trace.spans_of_type("LLM")) == 1


async def test_half_a_sign_is_shown_as_one_and_its_turn_is_stored() -> None:
    told, trace = await answered(delta(content="a\ud83d"), *DONE)
    assert told == "a�"
    assert trace.root.outputs["messages"][0]["content"] == "a�"


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
async def test_what_is_no_stream_is_told_by_its_kind(kind: str) -> None:
    told, trace = await answered(body='{"a page": "or so"}', kind=kind)
    assert told == f"no event came in what the endpoint sent, which is {kind}"
    assert trace.root.failed
