"""The traced HTTP client: each failed request of a completion is recorded."""

import asyncio
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from autogen_core.models import UserMessage

from instrumentation.http_attempts.http_client import traced_http_client
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
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import API_KEY, client, load_trace, replay_lines, reply_line

MESSAGES = [UserMessage(content="go on", source="user")]
TEXT = "ten words of text, so that a stream has frames"


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


async def request_completion(
    replay: ReplayServer, *, stream: bool = False, **settings: Any
) -> None:
    """Request one completion through a traced HTTP client."""
    async with traced_http_client() as http:
        model_client = client(replay, "a", http_client=http, **settings)
        if stream:
            async for _ in model_client.create_stream(MESSAGES):
                pass
        else:
            await model_client.create(MESSAGES, extra_create_args={"stream_options": None})


async def record_completion(
    tmp_path: Path,
    *faults: Fault,
    raises: type[BaseException] | None = None,
    **settings: Any,
) -> Trace:
    expected_error = pytest.raises(raises) if raises else nullcontext()
    with (
        replay_lines(tmp_path, reply_line("a", TEXT), faults=faults) as replay,
        record_run() as run,
        expected_error,
    ):
        await request_completion(replay, **settings)
    return load_trace(run)


def attempts(trace: Trace) -> tuple[Span, ...]:
    return trace.spans_of_type("ATTEMPT")


async def test_a_completion_that_succeeds_at_once_has_no_attempt_span(tmp_path: Path) -> None:
    trace = await record_completion(tmp_path)
    assert attempts(trace) == ()
    assert trace.root.attributes["flight_recorder.http.attempts"] == 1


async def test_each_rejected_request_is_an_attempt_span(tmp_path: Path) -> None:
    fault = rate_limited("a", times=2, retry_after_s=0.05)
    trace = await record_completion(tmp_path, fault, max_retries=3)
    assert [(span.name, span.status) for span in attempts(trace)] == [("HTTP 429", "ERROR")] * 2
    assert trace.root.status == "OK"
    assert trace.root.attributes["flight_recorder.http.attempts"] == 3


async def test_an_attempt_span_has_status_and_path(tmp_path: Path) -> None:
    fault = rate_limited("a", retry_after_s=0.05)
    (span,) = attempts(await record_completion(tmp_path, fault, max_retries=1))
    assert span.attributes["http.response.status_code"] == 429
    assert span.attributes["http.request.method"] == "POST"
    assert span.attributes["url.path"] == "/v1/chat/completions"
    assert span.attributes["flight_recorder.http.retry_after_s"] >= 0


async def test_a_client_without_retries_records_one_attempt_span(tmp_path: Path) -> None:
    trace = await record_completion(tmp_path, unavailable("a"), raises=openai.InternalServerError)
    assert [span.name for span in attempts(trace)] == ["HTTP 503"]
    assert trace.root.status == "ERROR"


async def test_a_dropped_connection_is_an_attempt_span(tmp_path: Path) -> None:
    trace = await record_completion(tmp_path, drops_connection("a"), max_retries=1)
    assert [span.name for span in attempts(trace)] == ["RemoteProtocolError"]
    assert trace.root.status == "OK"


async def test_a_timeout_is_an_attempt_span(tmp_path: Path) -> None:
    trace = await record_completion(
        tmp_path, hangs("a"), timeout=0.2, raises=openai.APITimeoutError
    )
    assert [span.name for span in attempts(trace)] == ["ReadTimeout"]


async def test_a_cancelled_request_is_an_attempt_span(tmp_path: Path) -> None:
    with (
        replay_lines(tmp_path, reply_line("a", TEXT), faults=[hangs("a")]) as replay,
        record_run() as run,
        pytest.raises(TimeoutError),
    ):
        await asyncio.wait_for(request_completion(replay), 0.3)
    (span,) = attempts(load_trace(run))
    assert (span.name, span.status_message) == ("cancelled", "cancelled")


@pytest.mark.parametrize("clean", [True, False])
async def test_a_stream_that_breaks_is_an_attempt_span(tmp_path: Path, clean: bool) -> None:
    fault = cuts_stream("a", after_frame=4, ends_cleanly=clean)
    raises = None if clean else httpx.RemoteProtocolError
    trace = await record_completion(tmp_path, fault, stream=True, raises=raises)
    assert [(span.name, span.status) for span in attempts(trace)] == [("stream cut", "ERROR")]
    assert trace.root.status == "ERROR"


async def test_a_complete_stream_has_no_attempt_span(tmp_path: Path) -> None:
    assert attempts(await record_completion(tmp_path, stream=True)) == ()


async def test_attempt_spans_contain_neither_key_nor_host(tmp_path: Path) -> None:
    with (
        replay_lines(tmp_path, reply_line("a", TEXT), faults=[unavailable("a")]) as replay,
        record_run() as run,
        pytest.raises(openai.InternalServerError),
    ):
        await request_completion(replay)
    (span,) = attempts(load_trace(run))
    assert not any(secret in str(span) for secret in (API_KEY, str(replay.port)))


async def test_without_an_active_span_nothing_is_recorded(tmp_path: Path) -> None:
    with replay_lines(tmp_path, reply_line("a", TEXT), faults=[unavailable("a")]) as replay:
        with record_run() as run:
            async with traced_http_client() as http:
                await http.post(f"{replay.base_url}/chat/completions", json={})
        assert run.traces() == []
