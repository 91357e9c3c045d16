"""The attempts of a client that a program uses itself: those that failed are told of."""

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
    upstream_openai_autolog,
)
from tests.support.tapes import reply_line

__all__ = ["recording"]
TOLD = pytest.mark.usefixtures("recording")
LIMITED = rate_limited("a", retry_after_s=0.01)


@pytest.mark.xfail(
    reason="MLflow sees a completion from outside", strict=True, raises=AssertionError
)
def test_autolog_alone_tells_of_a_failed_attempt(store: str) -> None:
    with upstream_openai_autolog(store), replay_and_record(faults=[LIMITED]) as (replay, run):
        sync_client(replay, max_retries=2).chat.completions.create(**CHAT_REQUEST)
        (trace,) = run.traces()
        assert "429" in str(trace.to_dict())


@TOLD
@pytest.mark.parametrize("ask", ["chat", "response"])
def test_what_a_client_retries_is_told(ask: str) -> None:
    with replay_and_record(faults=[LIMITED]) as (replay, run):
        of = sync_client(replay, max_retries=2)
        if ask == "chat":
            of.chat.completions.create(**CHAT_REQUEST)
        else:
            of.responses.create(**RESPONSES_REQUEST)
    span = only_llm_span(run)
    assert span.status == "OK"
    assert span.attributes["flight_recorder.http.attempts"] == 2
    assert [(one.name, one.type) for one in span.children] == [("HTTP 429", "ATTEMPT")]
    told = dict(measure_fidelity(replay.ledger, load_trace(run)))
    assert all(told[name].is_equal for name in ("llm_calls", "errors", "tokens"))


@TOLD
async def test_what_an_async_client_retries_is_told() -> None:
    with replay_and_record(faults=[drops_connection("a")]) as (replay, run):
        async with async_openai_client(replay, max_retries=1) as of:
            await of.chat.completions.create(**CHAT_REQUEST)
    assert [one.name for one in only_llm_span(run).children] == ["RemoteProtocolError"]


@TOLD
def test_what_failed_for_good_is_told() -> None:
    with (
        replay_and_record(faults=[unavailable("a")]) as (replay, run),
        pytest.raises(openai.InternalServerError),
    ):
        sync_client(replay).chat.completions.create(**CHAT_REQUEST)
    span = only_llm_span(run)
    assert span.failed
    assert span.outputs is None
    assert [one.name for one in span.children] == ["HTTP 503"]


@TOLD
def test_a_deadline_that_was_missed_is_told() -> None:
    with (
        replay_and_record(faults=[hangs("a")]) as (replay, run),
        pytest.raises(openai.APITimeoutError),
    ):
        sync_client(replay, timeout=0.2).chat.completions.create(**CHAT_REQUEST)
    (attempt,) = only_llm_span(run).children
    assert attempt.status_message == "no byte within 0.2 s"


@TOLD
def test_a_whole_stream_of_either_api_is_no_failed_attempt() -> None:
    with replay_and_record(reply_line("a", "one"), reply_line("a", "two")) as (replay, run):
        list(sync_client(replay).chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
        list(sync_client(replay).responses.create(**RESPONSES_REQUEST, stream=True))
    assert load_trace(run).spans_of_type("ATTEMPT") == ()


@TOLD
async def test_a_client_whose_attempts_are_seen_already_counts_them_once() -> None:
    with replay_and_record(faults=[LIMITED, cuts_stream("a", call=2)]) as (replay, run):
        async with traced_http_client() as http:
            of: Any = async_openai_client(replay, max_retries=2, http_client=http)
            with pytest.raises(Exception, match="peer closed"):
                async for _ in await of.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS):
                    pass
    span = only_llm_span(run)
    assert span.attributes["flight_recorder.http.attempts"] == 2
    assert [one.name for one in span.children] == ["HTTP 429", "stream cut"]


async def test_what_the_client_of_an_agent_retries_is_told(store: str, tmp_path: Any) -> None:
    with (
        enable_tracing(store, frameworks=("autogen",)),
        replay_lines(tmp_path, reply_line("a", "one"), faults=[LIMITED]) as replay,
        record_run() as run,
    ):
        await agent(replay, "a", client={"max_retries": 2}).run(task="x")
        (completion,) = load_trace(run).spans_of_type("LLM")
    assert [one.name for one in completion.children] == ["HTTP 429"]


def test_what_the_client_of_a_crew_retries_is_told(store: str) -> None:
    from crewai import LLM

    with (
        enable_tracing(store, frameworks=("crewai",)),
        replay_and_record(faults=[LIMITED]) as (replay, run),
    ):
        settings: Any = {"base_url": replay.base_url, "api_key": "none", "max_retries": 2}
        named: Any = {"default_headers": {"x-agent-name": "a"}}
        LLM(model="openai/taped", **settings, **named).call("go on")
        (completion,) = load_trace(run).spans_of_type("LLM")
    assert [one.name for one in completion.children] == ["HTTP 429"]


def test_a_request_that_is_for_no_completion_is_nobodys_attempt(store: str) -> None:
    with enable_tracing(store, frameworks=("openai",)), replay_and_record() as (replay, run):
        sync_client(replay).models.list()
    assert run.traces() == []


def test_all_is_as_it_was_afterwards(store: str) -> None:
    chat, responses = openai.resources.chat.completions, openai.resources.responses
    classes = (
        *(httpx.Client, httpx.AsyncClient, SyncAPIClient, AsyncAPIClient),
        *(chat.Completions, chat.AsyncCompletions, responses.Responses, responses.AsyncResponses),
    )
    before = [dict(vars(cls)) for cls in classes]
    with enable_tracing(store, frameworks=("openai",)):
        assert [dict(vars(cls)) for cls in classes] != before
    assert [dict(vars(cls)) for cls in classes] == before
