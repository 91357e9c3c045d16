"""Embeddings, images and transcripts have their replies and tokens, as completions have."""

import asyncio
import json
from typing import Any

import mlflow
import openai
import pytest

from instrumentation.trace.span import Span
from instrumentation.tracing import RunHandle
from scenarios.replay.faults import hangs, unavailable
from tests.support.autogen_agents import load_trace, trace_outline
from tests.support.openai_clients import (
    async_openai_client,
    client_of_endpoint,
    recording,
    replay_and_record,
    sync_client,
)

__all__ = ["recording"]
pytestmark = pytest.mark.usefixtures("recording")
EMBEDDINGS_LINE = {
    **{"lane": "a", "origin": "scripted", "path": "/v1/embeddings"},
    "reply": {"embeddings": [[0.5, 0.25]]},
}
IMAGE_USAGE = {"input_tokens": 12, "output_tokens": 4160, "total_tokens": 4172}
TRANSCRIPT_USAGE = {"type": "tokens"} | IMAGE_USAGE


def only_root(run: RunHandle) -> Span:
    """The only span of a run."""
    (span,) = load_trace(run)
    return span


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}], ids=["base64", "float"])
def test_embeddings_have_their_numbers_and_tokens(encoding: Any) -> None:
    with replay_and_record(EMBEDDINGS_LINE) as (replay, run):
        sync_client(replay).embeddings.create(
            model="text-embedding-3-small", input="one", **encoding
        )
        (exchange,) = replay.ledger.exchanges
    span = only_root(run)
    assert (span.name, span.type, span.status) == ("embeddings", "EMBEDDING", "OK")
    assert span.inputs["input"] == "one"
    assert span.outputs["data"][0]["embedding"] == [0.5, 0.25]
    assert span.tokens.input == exchange.input_tokens > 0
    assert span.cost_usd


async def test_cancelled_embeddings_are_an_error() -> None:
    with replay_and_record(EMBEDDINGS_LINE, faults=[hangs("a")]) as (replay, run):
        async with async_openai_client(replay) as client:
            request = client.embeddings.create(model="m", input="one")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(request, 0.2)
    outline = ["embeddings EMBEDDING ERROR", "  cancelled ATTEMPT ERROR"]
    assert trace_outline(load_trace(run)) == outline


def test_a_retried_attempt_of_embeddings_is_recorded() -> None:
    with replay_and_record(EMBEDDINGS_LINE, faults=[unavailable("a")]) as (replay, run):
        sync_client(replay, max_retries=1).embeddings.create(model="m", input="one")
    outline = ["embeddings EMBEDDING OK", "  HTTP 503 ATTEMPT ERROR"]
    assert trace_outline(load_trace(run)) == outline


def test_no_header_of_a_request_for_embeddings_is_recorded() -> None:
    with replay_and_record(EMBEDDINGS_LINE) as (replay, run):
        client = sync_client(replay)
        client.embeddings.create(model="m", input="one", extra_headers={"x-team": "not-for-you"})
    assert "not-for-you" not in str(run.traces()[0].to_dict())


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_image_has_its_tokens(is_stream: bool) -> None:
    image = {"b64_json": "AAAA"}
    body = json.dumps({"created": 0, "data": [image], "usage": IMAGE_USAGE})
    if is_stream:
        events = (
            {"type": "image_generation.partial_image", "partial_image_index": 0} | image,
            {"type": "image_generation.completed", "usage": IMAGE_USAGE} | image,
        )
        body = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)
    content_type = "text/event-stream" if is_stream else "application/json"
    request: Any = {"model": "gpt-image-1", "prompt": "a cat", "stream": is_stream}
    with client_of_endpoint(content_type, body) as (client, run):
        reply: Any = client.images.generate(**request)
        assert len(list(reply)) > 1
    span = only_root(run)
    assert (span.name, span.type, span.status) == ("images.generate", "TOOL", "OK")
    assert span.attributes["mlflow.chat.tokenUsage"] == IMAGE_USAGE
    assert "mlflow-attachment:" in str(span.outputs)


@pytest.mark.parametrize(
    ("content_type", "body", "usage"),
    [
        ("application/json", json.dumps({"text": "hello", "usage": TRANSCRIPT_USAGE}), IMAGE_USAGE),
        ("text/plain", "hello", None),
    ],
    ids=["json", "text"],
)
def test_a_transcript_has_its_text_and_the_tokens_that_are_reported(
    content_type: str, body: str, usage: Any
) -> None:
    form: Any = "json" if usage else "text"
    with client_of_endpoint(content_type, body) as (client, run):
        client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=("a.wav", b"sound-of-bytes"), response_format=form
        )
    span = only_root(run)
    assert (span.name, span.outputs["text"]) == ("audio.transcriptions", "hello")
    assert span.attributes.get("mlflow.chat.tokenUsage") == usage
    assert "sound-of-bytes" not in str(span.inputs)


def test_a_streamed_transcript_has_its_text_and_tokens() -> None:
    events = (
        {"type": "transcript.text.delta", "delta": "he"},
        {"type": "transcript.text.done", "text": "hello", "usage": TRANSCRIPT_USAGE},
    )
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    with client_of_endpoint("text/event-stream", body) as (client, run):
        file = ("a.wav", b"sound")
        list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, stream=True))
    span = only_root(run)
    assert (span.status, span.outputs["text"]) == ("OK", "hello")
    assert span.attributes["mlflow.chat.tokenUsage"] == IMAGE_USAGE


def test_a_compaction_of_a_response_has_its_tokens() -> None:
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "sealed"}
    tokens = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    body = {"id": "resp_1", "object": "response.compaction", "created_at": 0, "usage": tokens}
    with client_of_endpoint("application/json", json.dumps(body | {"output": [item]})) as (
        client,
        run,
    ):
        client.responses.compact(model="gpt-4o-mini", input="a long conversation")
    span = only_root(run)
    assert (span.name, span.type, span.status) == ("responses.compact", "LLM", "OK")
    assert span.attributes["mlflow.chat.tokenUsage"] == tokens
    assert span.outputs == {"output": [item]}


def test_a_rejected_request_for_an_image_is_an_error() -> None:
    with replay_and_record(EMBEDDINGS_LINE) as (replay, run), pytest.raises(openai.NotFoundError):
        sync_client(replay).images.generate(prompt="a cat")
    assert only_root(run).status == "ERROR"


def test_an_empty_reply_is_an_error() -> None:
    with (
        client_of_endpoint("application/json", "{}") as (client, run),
        pytest.raises(ValueError, match="No embedding data"),
    ):
        client.embeddings.create(model="m", input="one")
    assert only_root(run).status == "ERROR"


def test_embeddings_beside_a_programs_own_recording_are_recorded_once() -> None:
    with (
        replay_and_record(EMBEDDINGS_LINE) as (replay, run),
        mlflow.start_span("own", "EMBEDDING", {"gen_ai.operation.name": "embeddings"}),
    ):
        sync_client(replay).embeddings.create(model="m", input="one")
    assert only_root(run).name == "own"
