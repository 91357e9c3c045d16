"""Failed HTTP attempts of a completion are recorded, also if the client retries them."""

from typing import Any

import httpx
import openai
import pytest
from openai._base_client import AsyncAPIClient, SyncAPIClient

from instrumentation.http_attempts.http_client import traced_http_client
from instrumentation.tracing import enable_tracing, record_run
from scenarios.player.fidelity import measure_fidelity
from scenarios.replay.faults import cuts_stream, drops_connection, hangs, rate_limited, unavailable
from tests.support.autogen_agents import agent, load_trace, replay_lines
from tests.support.openai_clients import (
    CHAT_REQUEST,
    RESPONSES_REQUEST,
    STREAM_OPTIONS,
    async_openai_client,
    only_llm_span,
    recording,
    replay_and_record,
    sync_client,
)
from tests.support.tapes import reply_line
from tests.support.upstream_autolog import upstream_autolog

__all__ = ["recording"]
RECORDED = pytest.mark.usefixtures("recording")
RATE_LIMIT = rate_limited("a", retry_after_s=0.01)


@pytest.mark.xfail(
    reason="MLflow records one span for all attempts", strict=True, raises=AssertionError
)
def test_upstream_autolog_records_a_failed_attempt(store: str) -> None:
    with upstream_autolog("openai", store), replay_and_record(faults=[RATE_LIMIT]) as (replay, run):
        sync_client(replay, max_retries=2).chat.completions.create(**CHAT_REQUEST)
        (trace,) = run.traces()
        assert [span for span in trace.data.spans if span.status.status_code == "ERROR"]


@RECORDED
@pytest.mark.parametrize("api", ["chat", "response"])
def test_a_retried_attempt_is_recorded(api: str) -> None:
    with replay_and_record(faults=[RATE_LIMIT]) as (replay, run):
        client = sync_client(replay, max_retries=2)
        if api == "chat":
            client.chat.completions.create(**CHAT_REQUEST)
        else:
            client.responses.create(**RESPONSES_REQUEST)
    span = only_llm_span(run)
    assert span.status == "OK"
    assert span.attributes["flight_recorder.http.attempts"] == 2
    assert [(attempt.name, attempt.type) for attempt in span.children] == [("HTTP 429", "ATTEMPT")]
    counts = dict(measure_fidelity(replay.ledger, load_trace(run)))
    assert all(counts[name].is_equal for name in ("llm_calls", "errors", "tokens"))


@RECORDED
async def test_a_retried_async_attempt_is_recorded() -> None:
    with replay_and_record(faults=[drops_connection("a")]) as (replay, run):
        async with async_openai_client(replay, max_retries=1) as client:
            await client.chat.completions.create(**CHAT_REQUEST)
    assert [attempt.name for attempt in only_llm_span(run).children] == ["RemoteProtocolError"]


@RECORDED
def test_a_final_failure_is_recorded() -> None:
    with (
        replay_and_record(faults=[unavailable("a")]) as (replay, run),
        pytest.raises(openai.InternalServerError),
    ):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST)
    span = only_llm_span(run)
    assert span.failed
    assert span.outputs is None
    assert [attempt.name for attempt in span.children] == ["HTTP 503"]


@RECORDED
def test_a_timeout_is_recorded() -> None:
    with (
        replay_and_record(faults=[hangs("a")]) as (replay, run),
        pytest.raises(openai.APITimeoutError),
    ):
        sync_client(replay, timeout=0.2).chat.completions.create(**CHAT_REQUEST)
    (attempt,) = only_llm_span(run).children
    assert attempt.status_message == "no byte within 0.2 s"


@RECORDED
def test_a_complete_stream_is_not_a_failed_attempt() -> None:
    with replay_and_record(reply_line("a", "one"), reply_line("a", "two")) as (replay, run):
        list(sync_client(replay).chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
        list(sync_client(replay).responses.create(**RESPONSES_REQUEST, stream=True))
    assert load_trace(run).spans_of_type("ATTEMPT") == ()


@RECORDED
async def test_attempts_of_a_traced_client_are_counted_once() -> None:
    with replay_and_record(faults=[RATE_LIMIT, cuts_stream("a", call=2)]) as (replay, run):
        async with traced_http_client() as http:
            client: Any = async_openai_client(replay, max_retries=2, http_client=http)
            with pytest.raises(Exception, match="peer closed"):
                async for _ in await client.chat.completions.create(
                    **CHAT_REQUEST, **STREAM_OPTIONS
                ):
                    pass
    span = only_llm_span(run)
    assert span.attributes["flight_recorder.http.attempts"] == 2
    assert [attempt.name for attempt in span.children] == ["HTTP 429", "stream cut"]


async def test_a_retried_attempt_of_an_agent_is_recorded(store: str, tmp_path: Any) -> None:
    with (
        enable_tracing(store, frameworks=("autogen",)),
        replay_lines(tmp_path, reply_line("a", "one"), faults=[RATE_LIMIT]) as replay,
        record_run() as run,
    ):
        await agent(replay, "a", client={"max_retries": 2}).run(task="x")
        (completion,) = load_trace(run).spans_of_type("LLM")
    assert [attempt.name for attempt in completion.children] == ["HTTP 429"]


def test_a_retried_attempt_of_a_crew_is_recorded(store: str) -> None:
    from crewai import LLM

    with (
        enable_tracing(store, frameworks=("crewai",)),
        replay_and_record(faults=[RATE_LIMIT]) as (replay, run),
    ):
        settings: Any = {"base_url": replay.base_url, "api_key": "none", "max_retries": 2}
        agent_header: Any = {"default_headers": {"x-agent-name": "a"}}
        LLM(model="openai/taped", **settings, **agent_header).call("go on")
        (completion,) = load_trace(run).spans_of_type("LLM")
    assert [attempt.name for attempt in completion.children] == ["HTTP 429"]


def test_other_requests_are_not_recorded(store: str) -> None:
    with enable_tracing(store, frameworks=("openai",)), replay_and_record() as (replay, run):
        sync_client(replay).models.list()
    assert run.traces() == []


def test_the_patches_are_undone(store: str) -> None:
    chat, responses = openai.resources.chat.completions, openai.resources.responses
    classes = (
        *(httpx.Client, httpx.AsyncClient, SyncAPIClient, AsyncAPIClient),
        *(chat.Completions, chat.AsyncCompletions, responses.Responses, responses.AsyncResponses),
    )
    before = [dict(vars(cls)) for cls in classes]
    with enable_tracing(store, frameworks=("openai",)):
        assert [dict(vars(cls)) for cls in classes] != before
    assert [dict(vars(cls)) for cls in classes] == before
