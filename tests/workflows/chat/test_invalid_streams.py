"""Streams that break the format: the chat reads them, or reports why not, and records a trace."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from workflows.chat_stream import StreamedChat
from workflows.model import Model, TruncatedAnswerError
from workflows.support.chat import NoAnswerError

DONE = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}', "[DONE]"
EVENTS = "text/event-stream"


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def delta(**fields: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": fields, "finish_reason": None}]})


@asynccontextmanager
async def endpoint(body: str, kind: str) -> AsyncGenerator[str]:
    """Run an endpoint that answers every request with this body; yields its address."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
        await reader.readexactly(int(length.partition(b":")[2]))
        sent = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body.encode())}"
        writer.write(f"{sent}\r\nconnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def run_chat(*events: str, body: str = "", kind: str = EVENTS) -> tuple[str, Trace]:
    """The answer to one message, or the error's text, and the trace."""
    stream = body or "".join(f"data: {event}\n\n" for event in events)
    async with endpoint(stream, kind) as url:
        with record_run() as run:
            try:
                model = Model("m", url, "k", max_retries=0)
                conversation = await StreamedChat(model, session="s").run("one")
                answer = conversation.turns[0].answer.text
            except (TruncatedAnswerError, NoAnswerError) as error:
                answer = str(error)
        return answer, trace_from_mlflow(one.to_dict() for one in run.traces())


@pytest.mark.parametrize("sent", ['"hello"', "null", "[]", "1"])
async def test_json_that_is_not_a_chunk_breaks_the_stream(sent: str) -> None:
    answer, trace = await run_chat(delta(content="so"), sent, *DONE)
    assert answer.startswith(
        "the stream broke after 2 characters (InvalidChunkError: the endpoint sent "
    )
    assert {span.status for span in trace} == {"ERROR"}


@pytest.mark.parametrize("content", [5, [{"type": "text", "text": "hi"}], {"text": "hi"}])
async def test_content_that_is_not_text_breaks_the_stream(content: Any) -> None:
    answer, _ = await run_chat(delta(content=content), *DONE)
    assert "instead of a text)" in answer


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": -1}, {"index": 3}])
async def test_a_tool_call_with_an_unexpected_index_is_read(index: dict[str, Any]) -> None:
    call = {"function": {"name": "look_up", "arguments": "{}"}} | index
    answer, trace = await run_chat(delta(tool_calls=[call]), *DONE)
    assert answer == "the model called look_up, but it was given no tools"
    (recorded,) = trace.spans_of_type("LLM")[0].outputs["choices"][0]["message"]["tool_calls"]
    assert recorded["function"] == call["function"]


async def test_a_character_that_was_cut_between_two_chunks_is_joined() -> None:
    answer, trace = await run_chat(delta(content="\ud83d"), delta(content="\ude00"), *DONE)
    assert answer == "😀"
    assert len(trace.spans_of_type("LLM")) == 1


async def test_half_a_character_is_replaced_and_its_turn_is_stored() -> None:
    answer, trace = await run_chat(delta(content="a\ud83d"), *DONE)
    assert answer == "a�"
    assert trace.root.outputs["messages"][0]["content"] == "a�"


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
async def test_a_response_that_is_not_a_stream_is_reported_with_its_content_type(kind: str) -> None:
    answer, trace = await run_chat(body='{"a page": "or so"}', kind=kind)
    assert answer == f"the endpoint sent no chunks; its content type is {kind}"
    assert trace.root.failed
