"""A tape holds no secret of its exchanges, wherever it was, and can still be replayed."""

import base64
import json
import stat
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenarios.recording.recording_proxy import record_tape
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.tapes import MODEL, make_tape, reply_line, service_line, user_message
from workflows.model import AGENT_HEADER

OPAQUE = "Qx7Zp2Lm9Vt4Rk1W"
"""No format gives it away, only the place in which it is sent."""
API_KEY = "sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12"
BASIC = base64.b64encode(f"ann:{OPAQUE}".encode()).decode()
MULTIPART = (
    '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n'
    f"{OPAQUE}\r\n--b\r\n"
    'Content-Disposition: form-data; name="q"\r\n\r\nrain\r\n--b--\r\n'
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "query": (f"/search?q=rain&api_key={OPAQUE}", {}),
    "short name in the query": (f"/search?key={OPAQUE}&q=rain", {}),
    "encoded query": (f"/search?q=rain&password={OPAQUE}%21%40", {}),
    "form": ("/search", {"content": f"q=rain&client_secret={OPAQUE}", "headers": FORM}),
    "multipart form": ("/search", {"content": MULTIPART}),
    "nested field": ("/search", {"json": {"q": "rain", "auth": {"api_key": OPAQUE}}}),
    "top-level field": ("/search", {"json": {"q": "rain", "password": OPAQUE}}),
    "list of fields": ("/search", {"json": {"h": [{"name": "x-api-key", "value": OPAQUE}]}}),
    "JSON in a text": ("/search", {"json": {"q": json.dumps({"password": OPAQUE})}}),
    "key in the path": (f"/bot/{API_KEY}/search", {"json": {"q": "rain"}}),
    "header's word in the path": (f"/bot/{OPAQUE}/search", {"headers": {"x-my-header": OPAQUE}}),
    "bearer token": ("/search", {"headers": {"authorization": f"Bearer {OPAQUE}"}}),
    "basic credentials": ("/search", {"headers": {"authorization": f"Basic {BASIC}"}}),
    "header with a secret's name": ("/search", {"headers": {"x-auth-token": OPAQUE}}),
    "header of unknown meaning": ("/search", {"headers": {"x-weather": OPAQUE}}),
    "cookie": ("/search", {"headers": {"cookie": f"a=b; session={OPAQUE}"}}),
}
RESPONSES: dict[str, Any] = {
    "echo": {"text": f"you sent {OPAQUE}, {API_KEY} and {BASIC}"},
    "token": {"access_token": "eWxvd2VyMTIzNDU2Nzg5", "refresh_token": "cmVmcmVzaDEyMzQ1Njc4"},
}
HIDDEN = (OPAQUE, API_KEY, BASIC, "eWxvd2VyMTIzNDU2Nzg5", "cmVmcmVzaDEyMzQ1Njc4")


@pytest.mark.long
@pytest.mark.parametrize(
    ("place", "answer"),
    [
        pair
        for pair in product(REQUESTS, RESPONSES)
        # Their opaque word is not sent by itself.
        if pair not in (("key in the path", "echo"), ("encoded query", "echo"))
    ],
)
def test_a_secret_of_a_service_is_not_on_the_tape_and_its_request_is_replayed(
    place: str, answer: str, tmp_path: Path
) -> None:
    target, options = REQUESTS[place]
    path = tmp_path / "tape.jsonl"
    method = "POST" if {"json", "content"} & options.keys() else "GET"
    live_line = service_line("s", target.partition("?")[0], RESPONSES[answer], method=method)
    with (
        replay_tape(make_tape(live_line)) as live,
        record_tape(live.url, path, lane="s") as recorder,
    ):
        response = httpx.request(method, f"{recorder.base_url}{target}", **options)
    assert response.json() == RESPONSES[answer]
    text = path.read_text()
    sent = [word for word in HIDDEN if word in f"{target}{options}" or word == OPAQUE]
    returned = HIDDEN[3:]
    assert [word for word in (*sent, *returned) if word in text] == []
    with replay_tape(Tape.load(path), strict=True) as replay:
        assert httpx.request(method, f"{replay.url}{target}", **options).status_code == 200
    assert replay.unplayed_lines == ()


def test_a_token_that_was_returned_is_not_in_later_lines(tmp_path: Path) -> None:
    path, token = tmp_path / "tape.jsonl", "eWxvd2VyMTIzNDU2Nzg5"
    live_tape = make_tape(
        service_line("s", "/login", {"access_token": token}),
        service_line("s", f"/of/{token}", {"found": f"for {token}"}, method="GET"),
    )
    with (
        replay_tape(live_tape) as live,
        record_tape(live.url, path, lane="s") as recorder,
    ):
        httpx.post(f"{recorder.base_url}/login", json={}).raise_for_status()
        httpx.get(f"{recorder.base_url}/of/{token}").raise_for_status()
    assert token not in path.read_text()
    with replay_tape(Tape.load(path), strict=True) as replay:
        found = httpx.get(f"{replay.url}/of/{token}").json()
    assert found == {"found": "for [redacted: secret]"}


def chat_replies() -> Iterator[Any]:
    yield reply_line("a", f"the key is {API_KEY}, of ann@mail.example.org")
    arguments = [{"name": name, "arguments": {"api_key": OPAQUE}} for name in ("one", "two")]
    yield reply_line("a", None, tool_calls=arguments)


@pytest.mark.parametrize("stream", [False, True])
def test_a_secret_in_a_completion_is_not_on_the_tape(stream: bool, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    prompt = user_message(f"use {API_KEY} and password: {OPAQUE}")
    chat = {"model": MODEL, "messages": prompt, "stream": stream}
    with (
        replay_tape(make_tape(*chat_replies())) as live,
        record_tape(live.base_url, path) as recorder,
    ):
        send: Any = {"json": chat, "headers": {AGENT_HEADER: "a"}}
        url = "/chat/completions"
        for _ in range(2):
            httpx.post(f"{recorder.base_url}{url}", **send).raise_for_status()
    text = path.read_text()
    assert not [word for word in (API_KEY[:14], OPAQUE[:9], "ann@mail") if word in text]
    with replay_tape(Tape.load(path), strict=True) as replay:
        for _ in range(2):
            httpx.post(f"{replay.base_url}{url}", **send).raise_for_status()
    first, second = (exchange.reply for exchange in replay.ledger.exchanges)
    assert first == {"content": "the key is [redacted: API key], of [redacted: e-mail]"}
    assert str(second).count("[redacted: secret]") == 2


def test_a_tape_is_private_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        replay_tape(make_tape(service_line("s", "/search", {}, method="GET"))) as live,
        record_tape(live.url, path, lane="s") as recorder,
    ):
        httpx.get(f"{recorder.base_url}/search").raise_for_status()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_innocent_values_are_recorded_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    body = {"id": 4532015112830366, "total_tokens": 123456789, "file": "logo@2x.png"}
    headers = {"x-request-id": "123e4567-e89b-12d3-a456-426614174000", "user-agent": "client/1.23"}
    with (
        replay_tape(make_tape(service_line("s", "/search", body))) as live,
        record_tape(live.url, path, lane="s") as recorder,
    ):
        url = f"{recorder.base_url}/search?code=US&key=population&page=2"
        httpx.post(url, json=body | headers, headers=headers).raise_for_status()
    (line,) = Tape.load(path).lines
    assert line.request == body | headers
    assert line.response == {"status": 200, "body": body}
    assert "[redacted" not in path.read_text()
