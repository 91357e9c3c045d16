"""Bodies that a server or a client compresses pass unchanged, and are recorded as plain text."""

import gzip
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import orjson
import pytest

from scenarios.recording.recording_proxy import record_tape
from scenarios.replay.http_server.connection import Connection, Receive, Scope, Send
from scenarios.replay.http_server.server import HOST, serve_app
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape, TapeError
from tests.support.tapes import MODEL, user_message
from workflows.model import AGENT_HEADER

TEXT = "Quito lies at 2850 m – “high”."
CHUNK = {"index": 0, "delta": {"content": TEXT}, "finish_reason": "stop"}
FRAMES = b"data: " + orjson.dumps({"id": "c", "choices": [CHUNK]}) + b"\n\ndata: [DONE]\n\n"
CHOICE = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
BODY = orjson.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [CHOICE]})


@contextmanager
def compressing_server(encoding: str, compress: Callable[[bytes], bytes]) -> Generator[str]:
    """Run a server that compresses all answers, unasked; yield its base URL."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        request = await connection.read_body() or b""
        if dict(scope["headers"]).get(b"content-encoding") == b"gzip":
            request = gzip.decompress(request)
        streamed = orjson.loads(request).get("stream")
        content_type = b"text/event-stream" if streamed else b"application/json"
        headers = [(b"content-type", content_type), (b"content-encoding", encoding.encode())]
        await connection.start_response(200, headers)
        compressed = compress(FRAMES if streamed else BODY)
        for at in range(0, len(compressed), 20):
            await connection.send_part(compressed[at : at + 20])
        await connection.send_part(b"", more=False)

    with serve_app(answer) as port:
        yield f"http://{HOST}:{port}/v1"


def ask(base_url: str, stream: bool) -> str:
    client = openai.OpenAI(
        base_url=base_url, api_key="not-a-key", max_retries=0, default_headers={AGENT_HEADER: "a"}
    )
    request: Any = {"model": MODEL, "messages": user_message("how high?"), "stream": stream}
    with client:
        answer: Any = client.chat.completions.create(**request)
        if not stream:
            return str(answer.choices[0].message.content)
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity, gzip", gzip.compress),
        ("", bytes),
    ],
)
def test_an_answer_that_is_compressed_without_request_is_received_and_recorded(
    encoding: str, compress: Callable[[bytes], bytes], stream: bool, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    with compressing_server(encoding, compress) as upstream, record_tape(upstream, path) as proxy:
        assert ask(proxy.base_url, stream) == TEXT
    assert "\N{REPLACEMENT CHARACTER}" not in path.read_text()
    with replay_tape(Tape.load(path)) as replay:
        assert ask(replay.base_url, stream) == TEXT


def test_a_compressed_request_reaches_the_endpoint_and_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    request = orjson.dumps({"messages": user_message("how high?")})
    headers = {AGENT_HEADER: "a", "content-encoding": "gzip"}
    with (
        compressing_server("gzip", gzip.compress) as upstream,
        record_tape(upstream, path) as proxy,
    ):
        url = f"{proxy.base_url}/chat/completions"
        assert httpx.post(url, content=gzip.compress(request), headers=headers).content == BODY
    with replay_tape(Tape.load(path)) as replay:
        assert ask(replay.base_url, stream=False) == TEXT
    headers["content-encoding"] = "x-gzip"  # an old name of gzip
    with replay_tape(Tape.load(path)) as replay:
        url = f"{replay.base_url}/chat/completions"
        answer = httpx.post(url, content=gzip.compress(request), headers=headers)
        assert answer.json() == orjson.loads(BODY)


@pytest.mark.parametrize("encoding", ["x-unknown", "gzip"])
def test_an_answer_that_cannot_be_decoded_is_passed_on_and_reported(
    encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"

    def record_request(upstream: str) -> None:
        url, request = "/chat/completions", {"messages": user_message("x")}
        with (
            record_tape(upstream, path) as proxy,
            httpx.stream("POST", f"{proxy.base_url}{url}", json=request) as answer,
        ):
            assert b"".join(answer.iter_raw()) == BODY[::-1]
            assert answer.headers["content-encoding"] == encoding

    with compressing_server(encoding, lambda body: body[::-1]) as upstream:
        reason = f"1 of the answers could not be written .*{encoding}"
        with pytest.raises(TapeError, match=reason):
            record_request(upstream)
    assert not path.exists()
