"""A recording says which answers are not on the tape; aborted ones are, unless asked for again."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenarios.programs.use_tape import use_tape
from scenarios.replay.faults import cuts_stream, rate_limited, slow, unavailable
from scenarios.replay.http_server.connection import Connection
from scenarios.replay.http_server.server import HOST, serve_app
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.tapes import make_tape, reply_line

CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "go"}]}
LANE = {"x-agent-name": "a"}
TEXT = "word " * 3000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tape.jsonl"


def post(base_url: str, timeout_s: float = 10, **fields: Any) -> httpx.Response:
    url = f"{base_url}/chat/completions"
    return httpx.post(url, json=CHAT | fields, headers=LANE, timeout=timeout_s)


def test_errors_before_a_successful_retry_are_listed_and_replay_succeeds_at_once(
    path: Path,
) -> None:
    with (
        replay_tape(make_tape(reply_line("a", "done")), [unavailable("a", 1)]) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        assert [post(session.base_url).status_code for _ in range(2)] == [503, 200]
    assert [str(one) for one in session.uncaptured] == [
        "POST /v1/chat/completions: status 503; only successful answers are recorded"
    ]
    with use_tape(path) as session:
        assert post(session.base_url).status_code == 200
    assert session.unplayed_lines == ()


def test_a_stream_that_the_endpoint_breaks_off_is_not_recorded(path: Path) -> None:
    with (
        replay_tape(make_tape(reply_line("a", TEXT)), [cuts_stream("a")]) as live,
        use_tape(path, "all", live.base_url) as session,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        post(session.base_url, stream=True)
    (answer,) = session.uncaptured
    assert "the endpoint did not answer completely" in answer.reason
    assert not path.exists()


def test_a_stream_that_the_program_leaves_early_is_recorded_and_can_be_left_again(
    path: Path,
) -> None:
    def read_beginning(base_url: str) -> str:
        body = CHAT | {"stream": True}
        with httpx.stream("POST", f"{base_url}/chat/completions", json=body, headers=LANE) as got:
            return next(got.iter_text())

    with (
        replay_tape(make_tape(reply_line("a", TEXT), reply_line("a", "next"))) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        beginning = read_beginning(session.base_url)
        post(session.base_url, user="next").raise_for_status()
    assert [line.lane for line in Tape.load(path).lines]
    with use_tape(path) as session:
        assert read_beginning(session.base_url)[:20] == beginning[:20]
        assert post(session.base_url).status_code == 200
    assert session.unplayed_lines == ()


def test_an_answer_that_came_too_late_is_on_the_tape_once_when_it_was_requested_again(
    path: Path,
) -> None:
    lines = [reply_line("a", "late"), reply_line("a", "late")]
    with (
        replay_tape(make_tape(*lines), [slow("a", 1, 0.5)]) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        with pytest.raises(httpx.ReadTimeout):
            post(session.base_url, timeout_s=0.1)
        assert post(session.base_url).status_code == 200
        deadline_s = time.monotonic() + 10
        while session.recorded != 2 and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert session.recorded == 2
    assert len(Tape.load(path).lines) == 1
    with use_tape(path) as session:
        assert post(session.base_url).status_code == 200
    assert session.unplayed_lines == ()


def test_an_answer_that_is_still_on_its_way_when_recording_ends_is_listed(path: Path) -> None:
    with (
        replay_tape(make_tape(reply_line("a", "late")), [slow("a", 1, 30)]) as live,
        use_tape(path, "all", live.base_url) as session,
        pytest.raises(httpx.ReadTimeout),
    ):
        post(session.base_url, timeout_s=0.3)
    assert [one.reason for one in session.uncaptured] == [
        "the recording ended before the answer did"
    ]


def test_a_binary_answer_is_passed_on_and_listed(path: Path) -> None:
    sound = bytes(range(256))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        connection = Connection(scope, receive, send)
        await connection.read_body()
        await connection.send_response(200, b"audio/mpeg", sound)

    with serve_app(app) as port, use_tape(path, "all", f"http://{HOST}:{port}/v1") as session:
        got = httpx.post(f"{session.base_url}/audio/speech", json={"input": "good day"})
    assert got.content == sound
    assert [str(one) for one in session.uncaptured] == [
        "POST /audio/speech: its answer is binary (audio/mpeg)"
    ]


def test_a_rate_limit_is_passed_on_with_its_status(path: Path) -> None:
    with (
        replay_tape(make_tape(reply_line("a", "x")), [rate_limited("a", 1)]) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        assert post(session.base_url).status_code == 429
    assert "status 429" in session.uncaptured[0].reason
