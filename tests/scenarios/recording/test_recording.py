"""A run that is recorded can be replayed, and what is recorded holds no key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import orjson
import pytest

from scenarios.recording.recording_proxy import TapeRecorder, record_tape
from scenarios.replay.faults import cuts_stream, unavailable
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.tapes import MODEL, make_tape, reply_line, service_line, user_message
from workflows.model import AGENT_HEADER

KEY = "sk-a-key-that-no-tape-may-hold"
CALLS: Any = [{"name": "altitude", "arguments": {"of": "La Paz"}}, {"name": "population"}]
LIVE_TAPE = make_tape(
    reply_line("a", "good day"),
    reply_line("a", "one two three"),
    reply_line("a", None, tool_calls=CALLS),
    {"lane": "e", "origin": "scripted", "path": "/v1/embeddings", "reply": {"embeddings": [[1.5]]}},
    service_line("s", "/search", {"found": 1}),
)


def send_all_requests(base_url: str) -> list[bytes]:
    """A run that uses all that can be recorded; the raw bodies that it got."""
    headers = {"authorization": f"Bearer {KEY}", AGENT_HEADER: "a"}
    chat = {"model": MODEL, "messages": user_message("hello")}
    with httpx.Client(headers=headers) as http:
        said = [
            http.post(f"{base_url}/chat/completions", json=chat),
            http.post(f"{base_url}/chat/completions", json=chat | {"stream": True}),
            http.post(f"{base_url}/chat/completions", json=chat | {"stream": True, "n": 1}),
            http.post(f"{base_url}/embeddings", json={"model": MODEL, "input": "x"}),
            http.post(f"{base_url.removesuffix('/v1')}/search", json={"api_key": KEY, "q": "x"}),
        ]
    assert [answer.status_code for answer in said] == [200] * 5
    return [answer.content for answer in said]


def record_run(path: Path, run: Callable[[str], Any]) -> Any:
    with replay_tape(LIVE_TAPE) as live, record_tape(live.base_url, path) as recorder:
        return run(recorder.base_url)


def test_a_recorded_run_replays_byte_for_byte(tmp_path: Path) -> None:
    live = record_run(tmp_path / "tape.jsonl", send_all_requests)
    with replay_tape(Tape.load(tmp_path / "tape.jsonl")) as replay:
        assert send_all_requests(replay.base_url) == live
    assert replay.unplayed_lines == ()


def test_what_was_recorded_streamed_can_be_asked_plain(tmp_path: Path) -> None:
    record_run(tmp_path / "tape.jsonl", send_all_requests)
    with replay_tape(Tape.load(tmp_path / "tape.jsonl")) as replay:
        headers = {AGENT_HEADER: "a"}
        with openai.OpenAI(base_url=replay.base_url, api_key=KEY, default_headers=headers) as asked:
            got = asked.chat.completions.create(model=MODEL, messages=user_message("hello"), n=1)
    calls: Any = got.choices[0].message.tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("altitude", '{"of":"La Paz"}'),
        ("population", "{}"),
    ]
    assert replay.ledger.exchanges[0].tool_calls == 2


def test_no_key_and_no_header_is_on_the_tape(tmp_path: Path) -> None:
    record_run(tmp_path / "tape.jsonl", send_all_requests)
    text = (tmp_path / "tape.jsonl").read_text().lower()
    assert "one" in text
    assert not [word for word in (KEY, "authorization", "bearer", "api_key") if word in text]


@pytest.mark.parametrize("stream", [False, True])
def test_a_key_that_an_answer_repeats_is_not_on_the_tape(stream: bool, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    headers = {"authorization": f"Bearer {KEY}", AGENT_HEADER: "a"}
    chat = {"model": MODEL, "messages": user_message("x"), "stream": stream}
    echo = make_tape(reply_line("a", f"you sent {KEY}, thank you"))
    with replay_tape(echo) as live, record_tape(live.base_url, path) as recorder:
        httpx.post(f"{recorder.base_url}/chat/completions", json=chat, headers=headers)
    with replay_tape(Tape.load(path)) as replay:
        said = httpx.post(f"{replay.base_url}/chat/completions", json=chat, headers=headers)
    assert replay.ledger.exchanges[0].reply == {"content": "you sent [removed], thank you"}
    assert said.status_code == 200
    assert KEY[:12] not in path.read_text()


def test_a_line_says_which_model_answered_and_when(tmp_path: Path) -> None:
    record_run(tmp_path / "tape.jsonl", send_all_requests)
    first = orjson.loads((tmp_path / "tape.jsonl").read_bytes().splitlines()[0])
    assert first["recorded"]["model"] == MODEL
    assert first["recorded"]["at"].endswith("+00:00")


def test_a_tape_grows_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes(orjson.dumps(reply_line("b", "x")))
    record_run(path, send_all_requests)
    assert [line.origin for line in Tape.load(path).lines] == ["scripted"] + ["recorded"] * 5


@pytest.mark.parametrize("fault", [unavailable("a"), cuts_stream("a")])
def test_what_fails_is_passed_on_and_not_written_down(fault: Any, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"

    def fails(recorder: TapeRecorder) -> None:
        chat = {"model": MODEL, "messages": user_message("hello"), "stream": True}
        url, headers = f"{recorder.base_url}/chat/completions", {AGENT_HEADER: "a"}
        httpx.post(url, json=chat, headers=headers).raise_for_status()

    failing = pytest.raises((httpx.HTTPStatusError, httpx.RemoteProtocolError))
    with (
        replay_tape(LIVE_TAPE, [fault]) as live,
        record_tape(live.base_url, path) as recorder,
        failing,
    ):
        fails(recorder)
    assert not path.exists()


def test_an_endpoint_that_is_not_there_is_a_connection_error(tmp_path: Path) -> None:
    with replay_tape(LIVE_TAPE) as gone:
        nowhere = gone.base_url
    with record_tape(nowhere, tmp_path / "tape.jsonl") as recorder:
        asked = openai.OpenAI(base_url=recorder.base_url, api_key=KEY, max_retries=0)
        with asked, pytest.raises(openai.APIConnectionError):
            asked.chat.completions.create(model=MODEL, messages=user_message("x"))
