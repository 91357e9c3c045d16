"""Clients of the `openai` package whose requests a replay server answers."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import RunHandle, enable_tracing, record_run
from scenarios.replay.faults import Fault
from scenarios.replay.http_server.connection import Connection
from scenarios.replay.http_server.server import HOST, serve_app
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.autogen_agents import API_KEY, load_trace
from tests.support.tapes import make_async_client, make_client, make_tape, reply_line, user_message

PRICED_MODEL = "gpt-4o-mini"
"""A model whose price MLflow knows."""
TEXT = "ten words of text, so that a stream has frames"
CHAT_REQUEST: dict[str, Any] = {"model": PRICED_MODEL, "messages": user_message("go on")}
RESPONSES_REQUEST: dict[str, Any] = {"model": PRICED_MODEL, "input": "go on"}
STREAM_OPTIONS: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
TOOL_DEFINITION: dict[str, Any] = {
    "type": "function",
    "function": {"name": "altitude", "parameters": {"type": "object", "properties": {}}},
}
TOOL_CALLS: Any = [
    {"name": "altitude", "arguments": {"city": city}} for city in ("La Paz", "Quito, Ecuador")
]


@pytest.fixture
def recording(store: str) -> Generator[None]:
    """Record the `openai` package with all patches."""
    with enable_tracing(store, frameworks=("openai",)):
        yield


@contextmanager
def replay_and_record(
    *lines: Any, faults: Iterable[Fault] = ()
) -> Generator[tuple[ReplayServer, RunHandle]]:
    """Answer from these tape lines, by default with TEXT, and record the completions."""
    with (
        replay_tape(make_tape(*lines or (reply_line("a", TEXT),)), faults) as replay,
        record_run() as run,
    ):
        yield replay, run


@contextmanager
def client_of_endpoint(content_type: str, text: str) -> Generator[tuple[openai.OpenAI, RunHandle]]:
    """Yield a client whose requests all get this response, and a recording."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        wire = Connection(scope, receive, send)
        await wire.read_body()
        await wire.send_response(200, content_type.encode(), text.encode())

    with serve_app(app) as port, record_run() as run:
        base_url = f"http://{HOST}:{port}/v1"
        with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
            yield client, run


def sync_client(replay: ReplayServer, **settings: Any) -> Any:
    return make_client(replay, "a", **{"api_key": API_KEY} | settings)


def async_openai_client(replay: ReplayServer, **settings: Any) -> Any:
    return make_async_client(replay, "a", **{"api_key": API_KEY} | settings)


def only_llm_span(run: RunHandle) -> Span:
    """Return the only LLM span of a run, which must be the root of its only trace."""
    trace: Trace = load_trace(run)
    (span,) = trace.spans_of_type("LLM")
    assert span is trace.root
    return span
