"""Answers that are no UTF-8 or no JSON are replayed as they were, or listed as not captured."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from scenarios.programs.use_tape import use_tape
from scenarios.replay.http_server.connection import Connection, Receive, Scope, Send
from scenarios.replay.http_server.server import HOST, serve_app
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
        ("text/html", b"<h1>Gateway</h1>"),
        ("application/xml", f"<a>{TEXT}</a>".encode()),
        ("text/html; charset=iso-8859-1", f"<h1>{TEXT}</h1>".encode("latin-1")),
        ("text/plain; charset=utf-16", TEXT.encode("utf-16")),
        ("application/json; charset=iso-8859-1", JSON.encode("latin-1")),
        ("application/json", JSON.encode("utf-16")),
    ],
    ids=["cut", "empty", "html", "xml", "latin html", "utf-16 text", "latin json", "utf-16 json"],
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
    if body == JSON.encode("utf-16"):
        assert replayed.json() == json.loads(body)
    elif "json" in content_type and "charset" in content_type:
        assert replayed.json() == json.loads(direct.text)
    else:
        assert replayed.text == direct.text


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
