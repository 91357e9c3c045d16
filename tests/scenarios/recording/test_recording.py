"""A recorded run can be replayed, and the tape holds no API key."""

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

KEY = "sk-a-key-that-no-tape-may-contain"
CALLS: Any = [{"name": "altitude", "arguments": {"of": "La Paz"}}, {"name": "population"}]
LIVE_TAPE = make_tape(
    reply_line("a", "good day"),
    reply_line("a", "one two three"),
    reply_line("a", None, tool_calls=CALLS),
    {"lane": "e", "origin": "scripted", "path": "/v1/embeddings", "reply": {"embeddings": [[1.5]]}},
    service_line("s", "/search", {"found": 1}),
)


def send_all_requests(base_url: str) -> list[bytes]:
    """Send one request of each kind that can be recorded; return the raw bodies received."""
    headers = {"authorization": f"Bearer {KEY}", AGENT_HEADER: "a"}
    chat = {"model": MODEL, "messages": user_message("hello")}
    with httpx.Client(headers=headers) as http:
        responses = [
            http.post(f"{base_url}/chat/completions", json=chat),
            http.post(f"{base_url}/chat/completions", json=chat | {"stream": True}),
            http.post(f"{base_url}/chat/completions", json=chat | {"stream": True, "n": 1}),
            http.post(f"{base_url}/embeddings", json={"model": MODEL, "input": "x"}),
            http.post(f"{base_url.removesuffix('/v1')}/search", json={"api_key": KEY, "q": "x"}),
        ]
    assert [response.status_code for response in responses] == [200] * 5
    return [response.content for response in responses]


def record_run(path: Path, run: Callable[[str], Any]) -> Any:
    with replay_tape(LIVE_TAPE) as live, record_tape(live.base_url, path) as recorder:
        return run(recorder.base_url)


def test_a_recorded_run_replays_byte_for_byte(tmp_path: Path) -> None:
    live = record_run(tmp_path / "tape.jsonl", send_all_requests)
    with replay_tape(Tape.load(tmp_path / "tape.jsonl")) as replay:
        assert send_all_requests(replay.base_url) == live
    assert replay.unplayed_lines == ()


def test_a_recorded_stream_can_be_requested_as_a_body(tmp_path: Path) -> None:
    record_run(tmp_path / "tape.jsonl", send_all_requests)
    with replay_tape(Tape.load(tmp_path / "tape.jsonl")) as replay:
        headers = {AGENT_HEADER: "a"}
        with openai.OpenAI(
            base_url=replay.base_url, api_key=KEY, default_headers=headers
        ) as client:
            got = client.chat.completions.create(model=MODEL, messages=user_message("hello"), n=1)
    calls: Any = got.choices[0].message.tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("altitude", '{"of":"La Paz"}'),
        ("population", "{}"),
    ]
    assert replay.ledger.exchanges[0].tool_calls == 2


def test_the_tape_has_neither_keys_nor_headers(tmp_path: Path) -> None:
    record_run(tmp_path / "tape.jsonl", send_all_requests)
    text = (tmp_path / "tape.jsonl").read_text().lower()
    assert "one" in text
    assert not [word for word in (KEY, "authorization", "bearer", "api_key") if word in text]


@pytest.mark.parametrize("stream", [False, True])
def test_a_key_that_is_repeated_in_an_answer_is_removed(stream: bool, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    headers = {"authorization": f"Bearer {KEY}", AGENT_HEADER: "a"}
    chat = {"model": MODEL, "messages": user_message("x"), "stream": stream}
    echo = make_tape(reply_line("a", f"you sent {KEY}, thank you"))
    with replay_tape(echo) as live, record_tape(live.base_url, path) as recorder:
        httpx.post(f"{recorder.base_url}/chat/completions", json=chat, headers=headers)
    with replay_tape(Tape.load(path)) as replay:
        response = httpx.post(f"{replay.base_url}/chat/completions", json=chat, headers=headers)
    assert replay.ledger.exchanges[0].reply == {
        "content": "you sent [redacted: API key], thank you"
    }
    assert response.status_code == 200
    assert KEY[:12] not in path.read_text()


def test_a_line_has_the_model_that_answered_and_the_time(tmp_path: Path) -> None:
    record_run(tmp_path / "tape.jsonl", send_all_requests)
    first = orjson.loads((tmp_path / "tape.jsonl").read_bytes().splitlines()[0])
    assert first["recorded"]["model"] == MODEL
    assert first["recorded"]["at"].endswith("+00:00")


def test_lines_are_appended_to_an_existing_tape(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes(orjson.dumps(reply_line("b", "x")))
    record_run(path, send_all_requests)
    assert [line.origin for line in Tape.load(path).lines] == ["scripted"] + ["recorded"] * 5


@pytest.mark.parametrize("fault", [unavailable("a"), cuts_stream("a")])
def test_failed_responses_are_passed_on_and_not_recorded(fault: Any, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"

    def send_request(recorder: TapeRecorder) -> None:
        chat = {"model": MODEL, "messages": user_message("hello"), "stream": True}
        url, headers = f"{recorder.base_url}/chat/completions", {AGENT_HEADER: "a"}
        httpx.post(url, json=chat, headers=headers).raise_for_status()

    fails = pytest.raises((httpx.HTTPStatusError, httpx.RemoteProtocolError))
    with (
        replay_tape(LIVE_TAPE, [fault]) as live,
        record_tape(live.base_url, path) as recorder,
        fails,
    ):
        send_request(recorder)
    assert not path.exists()


def test_an_unreachable_endpoint_is_a_connection_error(tmp_path: Path) -> None:
    with replay_tape(LIVE_TAPE) as stopped:
        unreachable = stopped.base_url
    with record_tape(unreachable, tmp_path / "tape.jsonl") as recorder:
        client = openai.OpenAI(base_url=recorder.base_url, api_key=KEY, max_retries=0)
        with client, pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(model=MODEL, messages=user_message("x"))


def test_the_proxy_has_the_paths_of_the_endpoint(tmp_path: Path) -> None:
    path = tmp_path / "recorded.jsonl"
    with (
        replay_tape(make_tape(reply_line("a", "one"))) as upstream,
        record_tape(f"{upstream.url}/v1", path) as plain,
        record_tape(f"{upstream.url}/v1beta/openai/", tmp_path / "none.jsonl") as other,
    ):
        assert plain.base_url.endswith("/v1")
        assert other.base_url.endswith("/v1beta/openai")
        response = httpx.post(
            f"{plain.base_url}/chat/completions",
            json={"model": "m", "messages": []},
            headers={"x-agent-name": "a"},
        )
        assert response.status_code == 200
        unknown = httpx.post(f"{other.base_url}/chat/completions", json={"messages": []})
        assert "/v1beta/openai/chat/completions" in unknown.text
    (line,) = Tape.load(path).lines
    assert (line.lane, line.path) == ("a", "/v1/chat/completions")
