"""The CrewAI interceptor: each failed HTTP request of an LLM is recorded, sync or async."""

import asyncio
from collections.abc import Generator
from contextlib import nullcontext
from typing import Any

import httpx
import mlflow
import openai
import pytest
from crewai import LLM

from instrumentation.http_attempts.http_client import tracing_interceptor
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import (
    Fault,
    cuts_stream,
    drops_connection,
    hangs,
    rate_limited,
    unavailable,
)
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.autogen_agents import API_KEY, load_trace
from tests.support.tapes import make_tape, reply_line
from workflows.model import AGENT_HEADER

TEXT = "ten words of text, so that a stream has frames"
SYNC_AND_ASYNC = pytest.mark.parametrize("method", ["call", "acall"])


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=()):
        yield


def llm(replay: ReplayServer, **settings: Any) -> Any:
    """A CrewAI LLM that does not retry by default."""
    defaults: dict[str, Any] = {
        "model": "openai/taped",
        "base_url": replay.base_url,
        "api_key": API_KEY,
        "max_retries": 0,
        "timeout": 5.0,
        "default_headers": {AGENT_HEADER: "a"},
        "interceptor": tracing_interceptor(),
    }
    return LLM(**defaults | settings)


def record_call(method: str, *faults: Fault, raises: Any = None, **settings: Any) -> Trace:
    """Record one call of an LLM inside a span."""
    expected_error = pytest.raises(raises) if raises else nullcontext()
    with (
        replay_tape(make_tape(reply_line("a", TEXT)), faults=faults) as replay,
        record_run() as run,
    ):
        model = llm(replay, **settings)
        with expected_error, mlflow.start_span("chat_completion", span_type="LLM"):
            if method == "call":
                model.call("go on")
            else:
                asyncio.run(model.acall("go on"))
    return load_trace(run)


def attempts(trace: Trace) -> tuple[Span, ...]:
    return trace.spans_of_type("ATTEMPT")


@SYNC_AND_ASYNC
def test_a_call_that_succeeds_at_once_has_no_attempt_span(method: str) -> None:
    trace = record_call(method)
    assert attempts(trace) == ()
    assert trace.root.attributes["flight_recorder.http.attempts"] == 1


@SYNC_AND_ASYNC
def test_each_rejected_request_is_an_attempt_span(method: str) -> None:
    trace = record_call(method, rate_limited("a", times=2, retry_after_s=0.05), max_retries=3)
    assert [(span.name, span.status) for span in attempts(trace)] == [("HTTP 429", "ERROR")] * 2
    assert trace.root.attributes["flight_recorder.http.attempts"] == 3
    assert trace.root.status == "OK"


@SYNC_AND_ASYNC
def test_an_attempt_span_has_status_and_path(method: str) -> None:
    trace = record_call(method, unavailable("a"), raises=openai.InternalServerError)
    (span,) = attempts(trace)
    assert (span.name, span.status_message) == ("HTTP 503", "503 Service Unavailable")
    assert span.attributes["url.path"] == "/v1/chat/completions"


@SYNC_AND_ASYNC
def test_a_dropped_connection_is_an_attempt_span(method: str) -> None:
    trace = record_call(method, drops_connection("a"), max_retries=1)
    assert [span.name for span in attempts(trace)] == ["RemoteProtocolError"]
    assert trace.root.status == "OK"


@SYNC_AND_ASYNC
def test_a_timeout_is_an_attempt_span_with_its_deadline(method: str) -> None:
    trace = record_call(method, hangs("a"), timeout=0.2, raises=ConnectionError)
    (span,) = attempts(trace)
    assert (span.name, span.status_message) == ("ReadTimeout", "no byte within 0.2 s")
    assert span.attributes["flight_recorder.http.timeout_s"] == 0.2


@SYNC_AND_ASYNC
def test_an_unreachable_endpoint_is_an_attempt_span(method: str) -> None:
    trace = record_call(method, base_url="http://127.0.0.1:9/v1", raises=ConnectionError)
    assert [span.name for span in attempts(trace)] == ["ConnectError"]


@SYNC_AND_ASYNC
@pytest.mark.parametrize("clean", [True, False])
def test_a_stream_that_breaks_is_an_attempt_span(method: str, clean: bool) -> None:
    raises = None if clean else httpx.RemoteProtocolError
    trace = record_call(
        method, cuts_stream("a", after_frame=4, ends_cleanly=clean), stream=True, raises=raises
    )
    assert [(span.name, span.status) for span in attempts(trace)] == [("stream cut", "ERROR")]


@SYNC_AND_ASYNC
def test_a_complete_stream_has_no_attempt_span(method: str) -> None:
    assert attempts(record_call(method, stream=True)) == ()


def test_a_cancelled_request_is_an_attempt_span() -> None:
    async def cancel_call(replay: ReplayServer) -> None:
        with mlflow.start_span("chat_completion"):
            await asyncio.wait_for(llm(replay).acall("go on"), 0.3)

    with (
        replay_tape(make_tape(reply_line("a", TEXT)), faults=[hangs("a")]) as replay,
        record_run() as run,
        pytest.raises(TimeoutError),
    ):
        asyncio.run(cancel_call(replay))
    (span,) = attempts(load_trace(run))
    assert (span.name, span.status_message) == ("cancelled", "cancelled")


def test_attempt_spans_contain_neither_key_nor_host() -> None:
    trace = record_call("call", unavailable("a"), raises=openai.InternalServerError)
    assert not any(secret in str(attempts(trace)) for secret in (API_KEY, "127.0.0.1"))


def test_without_an_active_span_nothing_is_recorded() -> None:
    with replay_tape(make_tape(reply_line("a", TEXT)), faults=[unavailable("a")]) as replay:
        with record_run() as run, pytest.raises(openai.InternalServerError):
            llm(replay).call("go on")
        assert run.traces() == []
