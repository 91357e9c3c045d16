"""Texts that take turns in one stream: each is redacted as if it came alone."""

import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import mlflow
import pytest

from instrumentation.redaction import DEFAULT_REDACTION
from instrumentation.tracing import enable_tracing, record_run

KEYS = ("sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56Qr78St", "ghp_016C7e42F292c6912E7710c8383471234Ab")
MakeChunk = Callable[[int, str], dict[str, Any]]


def tool_call_chunk(index: int, text: str) -> dict[str, Any]:
    call = {"index": index, "function": {"arguments": text}}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def choice_chunk(index: int, text: str) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}, "index": index}]}


def responses_event(index: int, text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": index, "delta": text}


def content_block_event(index: int, text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"text": text}}


def agent_event(index: int, text: str) -> dict[str, Any]:
    return {"id": f"event-{text}", "source": ("ann", "ben")[index], "content": text}


CHUNK_MAKERS = (
    tool_call_chunk,
    choice_chunk,
    responses_event,
    content_block_event,
    agent_event,
)


def interleave(make_chunk: MakeChunk, size: int) -> list[dict[str, Any]]:
    """The chunks of two texts, each with a key, that alternate."""
    texts = [f'{{"q": "{key}", "n": 1}}' for key in KEYS]
    parts = [[text[at : at + size] for at in range(0, len(text), size)] for text in texts]
    return [
        make_chunk(index, part)
        for pair in zip_longest(*parts)
        for index, part in enumerate(pair)
        if part is not None
    ]


def leaked_parts(chunks: list[Any]) -> Iterator[str]:
    """The parts of five characters of each key that are in the chunks of its text."""
    for index, key in enumerate(KEYS):
        joined = "".join(_texts_of(chunks, index))
        yield from (key[at : at + 5] for at in range(len(key) - 5) if key[at : at + 5] in joined)


def _texts_of(chunks: list[Any], index: int) -> Iterator[str]:
    for chunk in chunks:
        match chunk:
            case {
                "choices": [{"delta": {"tool_calls": [{"index": number, "function": function}]}}]
            }:
                text = function["arguments"]
            case {"choices": [{"delta": {"content": text}, "index": number}]}:
                pass
            case {"output_index": number, "delta": text} | {
                "index": number,
                "delta": {"text": text},
            }:
                pass
            case {"source": source, "content": text}:
                number = ("ann", "ben").index(source)
            case _:
                raise AssertionError(chunk)
        if number == index:
            yield text


@pytest.mark.parametrize("make_chunk", CHUNK_MAKERS)
@pytest.mark.parametrize("size", [1, 3, 12, 50])
def test_a_key_in_one_of_two_alternating_texts_is_removed(make_chunk: MakeChunk, size: int) -> None:
    chunks = DEFAULT_REDACTION.redact_chunks(interleave(make_chunk, size))
    assert list(leaked_parts(chunks)) == []
    for index in range(2):
        assert "".join(_texts_of(chunks, index)) == '{"q": "[redacted: API key]", "n": 1}'


@pytest.mark.parametrize("make_chunk", CHUNK_MAKERS)
@pytest.mark.parametrize("frame", ["data: {}\n\n", "event: delta\ndata: {}", "id: 1\ndata:{}\r\n"])
def test_a_key_in_alternating_server_sent_events_is_removed(
    make_chunk: MakeChunk, frame: str
) -> None:
    frames = [frame.format(json.dumps(chunk)) for chunk in interleave(make_chunk, 3)]
    redacted = DEFAULT_REDACTION.redact_chunks(frames)
    chunks = [json.loads(text.partition("data:")[2]) for text in redacted]
    assert list(leaked_parts(chunks)) == []


def test_a_key_in_server_sent_events_of_plain_text_is_removed() -> None:
    frames = [f"data: {KEYS[0][at : at + 4]}\n\n" for at in range(0, len(KEYS[0]), 4)]
    redacted = DEFAULT_REDACTION.redact_chunks(["data: it is \n\n", *frames, "data: [DONE]\n\n"])
    assert "".join(redacted).startswith("data: it is \n\ndata: [redacted: API key]\n\ndata: \n\n")
    assert redacted[-1] == "data: [DONE]\n\n"


def test_two_calls_in_one_chunk_are_followed_into_later_chunks() -> None:
    def call(index: int, text: str) -> dict[str, Any]:
        return {"index": index, "function": {"arguments": text}}

    halves = [(key[:12], key[12:]) for key in KEYS]
    chunks = [
        {"tool_calls": [call(0, halves[0][0]), call(1, halves[1][0])]},
        {"tool_calls": [call(1, halves[1][1]), call(0, halves[0][1])]},
    ]
    assert DEFAULT_REDACTION.redact_chunks(chunks) == [
        {"tool_calls": [call(0, "[redacted: API key]"), call(1, "[redacted: API key]")]},
        {"tool_calls": [call(1, ""), call(0, "")]},
    ]


@pytest.mark.parametrize("make_chunk", CHUNK_MAKERS)
def test_a_traced_stream_of_alternating_texts_stores_no_key(
    store: str, make_chunk: MakeChunk
) -> None:
    def stream() -> Iterator[dict[str, Any]]:
        yield from interleave(make_chunk, 3)

    with enable_tracing(store, frameworks=()), record_run() as run:
        list(mlflow.trace(stream)())
        (span,) = run.traces()[0].data.spans
    events = [json.loads(event.attributes["mlflow.chunk.value"]) for event in span.events]
    assert list(leaked_parts(events)) == []
    assert list(leaked_parts(span.outputs)) == []
