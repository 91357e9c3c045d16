"""A background response is recorded once: when it is first retrieved complete."""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import mlflow
import openai
import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import trace_from_mlflow
from instrumentation.tracing import RunHandle, record_run
from scenarios.replay.http_server.connection import Connection, Receive, Scope, Send
from scenarios.replay.http_server.server import HOST, serve_app
from tests.support.autogen_agents import load_trace
from tests.support.openai_clients import RESPONSES_REQUEST, recording

__all__ = ["recording"]
pytestmark = pytest.mark.usefixtures("recording")
TOKENS = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
OUTPUT = [
    {
        **{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"},
        "content": [{"type": "output_text", "text": "Quito", "annotations": []}],
    }
]
ERROR = {"code": "server_error", "message": "the model is gone"}


def response_body(status: str, **fields: Any) -> dict[str, Any]:
    """The body of a response that is made in the background."""
    is_done = status == "completed"
    return {
        **{"id": "resp_1", "object": "response", "created_at": 0, "model": "gpt-4o-mini"},
        **{"status": status, "background": True, "error": None, "incomplete_details": None},
        "output": OUTPUT if is_done else [],
        "usage": TOKENS if is_done else None,
        **{"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "metadata": {}},
    } | fields


@contextmanager
def endpoint(*bodies: dict[str, Any]) -> Generator[tuple[str, RunHandle]]:
    """Queue each request for a response; answer its retrievals with these bodies, then the last.

    Yields the base URL, and a recording.
    """
    pending = list[dict[str, Any]]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        wire = Connection(scope, receive, send)
        await wire.read_body()
        if scope["method"] == "POST":
            pending[:] = bodies
            body = response_body("queued")
        else:
            body = pending.pop(0) if len(pending) > 1 else pending[0]
        if b"stream=true" in scope["query_string"]:
            event = {"type": f"response.{body['status']}", "sequence_number": 1, "response": body}
            text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            await wire.send_response(200, b"text/event-stream", text.encode())
        else:
            await wire.send_response(200, b"application/json", json.dumps(body).encode())

    with serve_app(app) as port, record_run() as run:
        yield f"http://{HOST}:{port}/v1", run


def client_of(base_url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)


def retrievals(run: RunHandle) -> list[Span]:
    """The spans of retrieved responses, in all traces of the run."""
    traces = [trace_from_mlflow([trace.to_dict()]) for trace in run.traces()]
    return [span for trace in traces for span in trace if span.name == "responses.retrieve"]


IN_TURN = ("queued", "in_progress", "completed")


def test_the_first_complete_retrieval_is_recorded_with_its_output_and_tokens() -> None:
    with endpoint(*map(response_body, IN_TURN)) as (url, run), client_of(url) as client:
        queued = client.responses.create(**RESPONSES_REQUEST, background=True)
        for _ in range(5):
            retrieved = client.responses.retrieve(queued.id)
        assert retrieved.output_text == "Quito"
        assert len(run.traces()) == 2
    (span,) = retrievals(run)
    assert (span.type, span.status, span.inputs) == ("LLM", "OK", {"response_id": "resp_1"})
    assert span.outputs == {"output": OUTPUT}
    assert span.attributes["mlflow.chat.tokenUsage"] == TOKENS
    assert span.attributes["gen_ai.response.finish_reasons"] == ["completed"]


def test_the_asynchronous_client_and_parallel_polls_record_it_once() -> None:
    async def poll(url: str) -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            await client.responses.create(**RESPONSES_REQUEST, background=True)
            await asyncio.gather(*(client.responses.retrieve("resp_1") for _ in range(8)))

    with endpoint(*map(response_body, IN_TURN)) as (url, run):
        asyncio.run(poll(url))
    (span,) = retrievals(run)
    assert span.attributes["mlflow.chat.tokenUsage"] == TOKENS


def test_a_retrieval_is_below_the_current_span_of_the_program() -> None:
    with endpoint(response_body("completed")) as (url, run), client_of(url) as client:
        with mlflow.start_span("poll"):
            client.responses.create(**RESPONSES_REQUEST, background=True)
            client.responses.with_raw_response.retrieve("resp_1")
        trace = load_trace(run)
    assert [span.name for span in trace] == ["poll", "responses", "responses.retrieve"]
    assert trace.root.start_ns <= retrievals(run)[0].start_ns


def test_a_response_that_is_streamed_later_is_recorded() -> None:
    with endpoint(response_body("completed")) as (url, run), client_of(url) as client:
        client.responses.create(**RESPONSES_REQUEST, background=True)
        for _ in range(2):
            with client.responses.retrieve("resp_1", stream=True) as events:
                assert [event.type for event in events] == ["response.completed"]
    (span,) = retrievals(run)
    assert span.attributes["mlflow.chat.tokenUsage"] == TOKENS


def test_a_failed_response_is_an_error_with_its_message() -> None:
    with endpoint(response_body("failed", error=ERROR)) as (url, run), client_of(url) as client:
        client.responses.create(**RESPONSES_REQUEST, background=True)
        client.responses.retrieve("resp_1")
    (span,) = retrievals(run)
    assert (span.status, "the model is gone" in span.status_message) == ("ERROR", True)


def test_the_same_id_at_another_endpoint_is_another_response() -> None:
    for _ in range(2):  # the request was made elsewhere
        with endpoint(response_body("completed")) as (url, run), client_of(url) as client:
            httpx.post(f"{url}/responses")
            client.responses.retrieve("resp_1")
        assert len(retrievals(run)) == 1


def test_a_new_request_with_the_same_id_is_recorded_again() -> None:
    with endpoint(response_body("completed")) as (url, run), client_of(url) as client:
        for _ in range(2):
            client.responses.create(**RESPONSES_REQUEST, background=True)
            client.responses.retrieve("resp_1")
    assert len(retrievals(run)) == 2


@pytest.mark.parametrize(
    "body",
    [
        response_body("completed", background=False),
        response_body("in_progress"),
        {"id": "resp_1", "object": "response"},
    ],
    ids=["not in the background", "not complete", "no response"],
)
def test_other_retrievals_are_not_recorded(body: dict[str, Any]) -> None:
    with endpoint(body) as (url, run), client_of(url) as client:
        client.responses.create(**RESPONSES_REQUEST, background=True)
        client.responses.retrieve("resp_1")
        assert len(run.traces()) == 1
    assert retrievals(run) == []


def test_an_id_that_is_no_text_does_not_break_the_program() -> None:
    body = response_body("completed", id=["odd"])
    with endpoint(body) as (url, run), client_of(url) as client:
        client.responses.create(**RESPONSES_REQUEST, background=True)
        assert client.responses.retrieve("resp_1").status == "completed"
    assert len(retrievals(run)) == 1
