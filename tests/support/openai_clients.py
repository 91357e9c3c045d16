"""Taped clients: what a program does with the `openai` package itself, answered from a tape."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import mlflow
import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import RunHandle, enable_tracing, record_run
from patches.mlflow.export_queue import fast_flush
from patches.patch import apply_patches
from scenarios.replay.faults import Fault
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.autogen_agents import API_KEY, load_trace
from tests.support.tapes import make_async_client, make_client, make_tape, reply_line, user_message

PRICED_MODEL = "gpt-4o-mini"
"""A model of which MLflow knows the price."""
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


@contextmanager
def upstream_openai_autolog(uri: str) -> Generator[None]:
    """`mlflow.openai.autolog()` as it comes."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("plain")
    mlflow.openai.autolog(silent=True)
    try:
        with apply_patches(fast_flush.PATCH):
            yield
            mlflow.flush_trace_async_logging()
    finally:
        mlflow.openai.autolog(disable=True, silent=True)
        mlflow.set_tracking_uri(before)


@pytest.fixture
def recording(store: str) -> Generator[None]:
    """Ours, of `openai`."""
    with enable_tracing(store, frameworks=("openai",)):
        yield


@contextmanager
def replay_and_record(
    *lines: Any, faults: Iterable[Fault] = ()
) -> Generator[tuple[ReplayServer, RunHandle]]:
    """Answer from these lines, or with one of some words, and record what is asked."""
    with (
        replay_tape(make_tape(*lines or (reply_line("a", TEXT),)), faults) as replay,
        record_run() as run,
    ):
        yield replay, run


def sync_client(replay: ReplayServer, **settings: Any) -> Any:
    return make_client(replay, "a", **{"api_key": API_KEY} | settings)


def async_openai_client(replay: ReplayServer, **settings: Any) -> Any:
    return make_async_client(replay, "a", **{"api_key": API_KEY} | settings)


def only_llm_span(run: RunHandle) -> Span:
    """The one span of a completion, at the top of the one trace."""
    trace: Trace = load_trace(run)
    (span,) = trace.spans_of_type("LLM")
    assert span is trace.root
    return span
