"""Answers that are no UTF-8 or no JSON are replayed as they were, or listed as not captured."""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from scenarios.programs.use_tape import use_tape
from scenarios.recording.recorded_line import PartTimes, build_line
from scenarios.recording.tape_redaction import TapeRedaction
from scenarios.replay.http_server.connection import Connection, Receive, Scope, Send
from scenarios.replay.http_server.server import HOST, serve_app
from scenarios.tape.requests.request import CHAT_PATH, Request
from scenarios.tape.tape import Tape, TapeError

TEXT = "Quito, café"
JSON = json.dumps({"id": "c", "choices": [], "text": TEXT}, ensure_ascii=False)


@contextmanager
def answering_server(content_type: str, body: bytes) -> Generator[str]:
    """Run a server that gives each request this answer; yield its base URL."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        await connection.read_body()
        await connection.send_response(200, content_type.encode(), body)

    with serve_app(answer) as port:
        yield f"http://{HOST}:{port}/v1"


def ask(base_url: str) -> httpx.Response:
    return httpx.post(f"{base_url}/chat/completions", json={"model": "m", "messages": []})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", JSON.encode()[:-9]),
        ("application/json", b""),
        ("application/json", b"null"),
        ("application/json", b'{"id": 12345678901234567890123}'),
        ("text/plain", b"1.10"),
        ("text/html; charset=utf-8", f"<h1>{TEXT}</h1>".encode()),
        ("text/html", b"<h1>Gateway</h1>"),
        ("application/xml", f"<a>{TEXT}</a>".encode()),
        ("text/html; charset=iso-8859-1", f"<h1>{TEXT}</h1>".encode("latin-1")),
        ("text/plain; charset=utf-16", TEXT.encode("utf-16")),
        ("application/json; charset=iso-8859-1", JSON.encode("latin-1")),
        ("application/json", JSON.encode("utf-16")),
    ],
    ids=[
        *("cut", "empty", "null", "large integer", "number", "utf-8 html", "html", "xml"),
        *("latin html", "utf-16 text", "latin json", "utf-16 json"),
    ],
)
def test_an_answer_is_replayed_with_its_type_and_its_text(
    content_type: str, body: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    with answering_server(content_type, body) as upstream:
        direct = ask(upstream)
        with use_tape(path, "all", upstream) as session:
            assert ask(session.base_url).content == body
    with use_tape(path) as session:
        replayed = ask(session.base_url)
    media_types = [one.headers["content-type"].partition(";")[0] for one in (direct, replayed)]
    assert media_types[0] == media_types[1]
    if media_types[0].startswith("text/"):  # of which Latin-1 was the default
        assert replayed.charset_encoding == "utf-8"
    if body == JSON.encode("utf-16"):
        assert replayed.json() == json.loads(body)
    elif "json" in content_type and "charset" in content_type:
        assert replayed.json() == json.loads(direct.text)
    else:
        assert replayed.text == direct.text


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("", "\r\n\r\n"),
        ("", "\n\r\n"),
        ("", "\r\r"),
        ("\ufeff", "\n\n"),
        (": wait\n\nid: 1\n", "\n\n"),
    ],
    ids=["crlf", "mixed", "cr", "byte order mark", "comment and id"],
)
def test_any_line_end_separates_the_events_of_a_stream(
    start: str, end: str, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("ja", " ja")]
    stream = start + "".join(f"data: {json.dumps(chunk)}{end}" for chunk in chunks)
    with (
        answering_server("Text/Event-Stream", stream.encode()) as upstream,
        use_tape(path, "all", upstream) as session,
    ):
        assert ask(session.base_url).text == stream
    with use_tape(path, tolerant=True) as session:
        assert ask(session.base_url).json()["choices"][0]["message"]["content"] == "ja ja"


def test_the_parts_of_a_long_stream_are_timed_quickly() -> None:
    times, event = PartTimes(0), b"data: {}\n\n"
    for _ in range(10_000):
        times.add(event)
    request = Request("a", "POST", CHAT_PATH, "", {})
    response = httpx.Response(200, headers={"content-type": "text/event-stream"})
    began_s = time.monotonic()
    line = json.loads(build_line(request, response, event * 10_000, TapeRedaction(), times))
    assert len(line["recorded"]["frames_ms"]) == 10_000
    assert time.monotonic() - began_s < 2


def test_a_binary_answer_of_ascii_characters_is_listed_as_not_captured(tmp_path: Path) -> None:
    with (
        answering_server("application/octet-stream", b"\0\1") as upstream,
        use_tape(tmp_path / "tape.jsonl", "all", upstream) as session,
    ):
        ask(session.base_url)
    (uncaptured,) = session.uncaptured
    assert uncaptured.reason == "its answer is binary (application/octet-stream)"


def test_a_text_that_is_not_in_its_charset_is_listed_as_not_captured(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    body = JSON.encode("latin-1")
    with (
        answering_server("application/json", body) as upstream,
        use_tape(path, "all", upstream) as session,
    ):
        assert ask(session.base_url).content == body
    (uncaptured,) = session.uncaptured
    assert uncaptured.reason.startswith("its answer is a text whose byte ")
    assert not path.exists()


@pytest.mark.parametrize(
    "response",
    [
        {"text": "x", "content_type": 5},
        {"text": "x", "content_type": "text/html\r\nx: y"},
        {"body": {}, "content_type": "text/html"},
    ],
)
def test_a_content_type_that_no_header_can_have_is_an_error(response: dict[str, object]) -> None:
    line = {"lane": "a", "origin": "recorded", "request": {}, "response": response}
    with pytest.raises(TapeError, match=r"t:1: .*content_type"):
        Tape.parse(json.dumps(line).encode(), "t")
