"""An interceptor: each HTTP request of a crew's LLM that failed is seen, sync or async."""

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
BOTH = pytest.mark.parametrize("way", ["call", "acall"])


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=()):
        yield


def llm(replay: ReplayServer, **settings: Any) -> Any:
    """A crew's LLM that does not retry unless told to."""
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


def asked(way: str, *faults: Fault, raises: Any = None, **settings: Any) -> Trace:
    """The trace of one call of an LLM under a span of its own."""
    due = pytest.raises(raises) if raises else nullcontext()
    with (
        replay_tape(make_tape(reply_line("a", TEXT)), faults=faults) as replay,
        record_run() as run,
    ):
        model = llm(replay, **settings)
        with due, mlflow.start_span("asked", span_type="LLM"):
            if way == "call":
                model.call("go on")
            else:
                asyncio.run(model.acall("go on"))
    return load_trace(run)


def attempts(trace: Trace) -> tuple[Span, ...]:
    return trace.spans_of_type("ATTEMPT")


@BOTH
def test_a_call_at_the_first_attempt_has_no_attempt_beneath(way: str) -> None:
    trace = asked(way)
    assert attempts(trace) == ()
    assert trace.root.attributes["flight_recorder.http.attempts"] == 1


@BOTH
def test_each_attempt_that_was_refused_is_seen(way: str) -> None:
    trace = asked(way, rate_limited("a", times=2, retry_after_s=0.05), max_retries=3)
    assert [(span.name, span.status) for span in attempts(trace)] == [("HTTP 429", "ERROR")] * 2
    assert trace.root.attributes["flight_recorder.http.attempts"] == 3
    assert trace.root.status == "OK"


@BOTH
def test_an_attempt_says_what_it_met(way: str) -> None:
    trace = asked(way, unavailable("a"), raises=openai.InternalServerError)
    (span,) = attempts(trace)
    assert (span.name, span.status_message) == ("HTTP 503", "503 Service Unavailable")
    assert span.attributes["url.path"] == "/v1/chat/completions"


@BOTH
def test_a_dropped_connection_is_an_attempt(way: str) -> None:
    trace = asked(way, drops_connection("a"), max_retries=1)
    assert [span.name for span in attempts(trace)] == ["RemoteProtocolError"]
    assert trace.root.status == "OK"


@BOTH
def test_a_timeout_is_an_attempt_and_names_the_deadline(way: str) -> None:
    trace = asked(way, hangs("a"), timeout=0.2, raises=ConnectionError)
    (span,) = attempts(trace)
    assert (span.name, span.status_message) == ("ReadTimeout", "no byte within 0.2 s")
    assert span.attributes["flight_recorder.http.timeout_s"] == 0.2


@BOTH
def test_an_endpoint_that_is_not_there_is_an_attempt(way: str) -> None:
    trace = asked(way, base_url="http://127.0.0.1:9/v1", raises=ConnectionError)
    assert [span.name for span in attempts(trace)] == ["ConnectError"]


@BOTH
@pytest.mark.parametrize("clean", [True, False])
def test_a_stream_that_is_cut_is_an_attempt(way: str, clean: bool) -> None:
    raises = None if clean else httpx.RemoteProtocolError
    trace = asked(
        way, cuts_stream("a", after_frame=4, ends_cleanly=clean), stream=True, raises=raises
    )
    assert [(span.name, span.status) for span in attempts(trace)] == [("stream cut", "ERROR")]


@BOTH
def test_a_whole_stream_is_no_failed_attempt(way: str) -> None:
    assert attempts(asked(way, stream=True)) == ()


def test_a_cancelled_attempt_says_so() -> None:
    async def given_up(replay: ReplayServer) -> None:
        with mlflow.start_span("asked"):
            await asyncio.wait_for(llm(replay).acall("go on"), 0.3)

    with (
        replay_tape(make_tape(reply_line("a", TEXT)), faults=[hangs("a")]) as replay,
        record_run() as run,
        pytest.raises(TimeoutError),
    ):
        asyncio.run(given_up(replay))
    (span,) = attempts(load_trace(run))
    assert (span.name, span.status_message) == ("cancelled", "cancelled")


def test_no_key_and_no_host_is_in_a_span() -> None:
    trace = asked("call", unavailable("a"), raises=openai.InternalServerError)
    assert not any(secret in str(attempts(trace)) for secret in (API_KEY, "127.0.0.1"))


def test_nothing_is_written_where_nothing_is_recorded() -> None:
    with replay_tape(make_tape(reply_line("a", TEXT)), faults=[unavailable("a")]) as replay:
        with record_run() as run, pytest.raises(openai.InternalServerError):
            llm(replay).call("go on")
        assert run.traces() == []
