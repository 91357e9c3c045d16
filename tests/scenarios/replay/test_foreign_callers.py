"""No web page can drive or read a server on 127.0.0.1; programs of the same machine can."""

from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from scenarios.recording.recording_proxy import record_tape
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.raw_http import chat_body
from tests.support.tapes import make_tape, reply_line

PAGE = "https://page.example"


@pytest.fixture
def replay() -> Generator[ReplayServer]:
    """A server that has answered one request."""
    with replay_tape(make_tape(reply_line("a", "x"), reply_line("a", "y"))) as server:
        assert ask(server.base_url).is_success
        yield server
        assert len(server.ledger.exchanges) == 1


def ask(base_url: str, **headers: str) -> httpx.Response:
    url, lane = f"{base_url}/chat/completions", {"x-agent-name": "a"}
    return httpx.post(url, content=chat_body(), headers=lane | headers)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/ledger"), ("POST", "/rewind"), ("GET", "/v1/models")]
)
@pytest.mark.parametrize("host", ["page.example", "127.0.0.1.page.example:80", "127.0.0.2", "[::1"])
def test_a_name_that_is_rebound_to_this_machine_is_refused(
    method: str, path: str, host: str, replay: ReplayServer
) -> None:
    response = httpx.request(method, f"{replay.url}{path}", headers={"host": host})
    assert response.status_code == 403
    message = response.json()["error"]["message"]
    assert message.startswith(f"The Host header must be 127.0.0.1 or localhost, not {host!r}")


@pytest.mark.parametrize("path", ["/ledger", "/rewind"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": PAGE, "content-type": "text/plain"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
    ],
    ids=["page", "file", "other local server", "without origin"],
)
def test_a_page_of_another_origin_cannot_control_the_server(
    path: str, headers: dict[str, str], replay: ReplayServer
) -> None:
    method = "POST" if path == "/rewind" else "GET"
    response = httpx.request(method, f"{replay.url}{path}", headers=headers)
    assert response.status_code == 403
    assert "A web page of" in response.json()["error"]["message"]


def test_a_foreign_page_plays_no_line(replay: ReplayServer) -> None:
    assert ask(replay.base_url, origin=PAGE).status_code == 403
    assert [line.number for line in replay.unplayed_lines] == [2]


def test_a_foreign_page_records_no_line(replay: ReplayServer, tmp_path: Path) -> None:
    with record_tape(replay.base_url, tmp_path / "tape.jsonl") as recorder:
        assert ask(recorder.base_url, origin=PAGE).status_code == 403
        assert ask(recorder.base_url, host="page.example").status_code == 403
    assert not (tmp_path / "tape.jsonl").exists()


def test_local_programs_and_pages_are_served() -> None:
    lines = [reply_line("a", text) for text in "xyz"]
    with replay_tape(make_tape(*lines)) as replay:
        local = replay.url.replace("127.0.0.1", "localhost")
        assert ask(replay.base_url, origin="http://localhost:5173").is_success
        assert ask(replay.base_url, host="localhost").is_success
        assert ask(replay.base_url, origin=replay.url).is_success
        ledger = {"host": local.removeprefix("http://"), "origin": local}
        assert len(httpx.get(f"{replay.url}/ledger", headers=ledger).json()["exchanges"]) == 3
        assert httpx.post(f"{replay.url}/rewind").is_success
