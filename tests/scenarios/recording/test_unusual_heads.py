"""Statuses and headers that HTTP does not allow get an error; those in other encodings pass."""

import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenarios.programs.use_tape import use_tape
from scenarios.recording.recording_proxy import record_tape
from scenarios.replay.http_server.connection import MAX_BODY_MIB
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.raw_http import chat_body
from tests.support.raw_server import serve_bytes
from tests.support.tapes import MODEL, make_tape, reply_line, user_message
from workflows.model import AGENT_HEADER

OPAQUE = "Qx7Zp2Lm9Vt4Rk1W"
QUESTION = {"model": MODEL, "messages": user_message("how high?")}


def ask(base_url: str, agent: bytes = b"a") -> httpx.Response:
    headers = [(AGENT_HEADER.encode(), agent)]
    return httpx.post(f"{base_url}/chat/completions", json=QUESTION, headers=headers)


@pytest.mark.parametrize("status", [600, 999])
def test_a_status_that_http_does_not_have_is_a_bad_gateway_with_its_reason(
    status: int, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    reason = f"The endpoint answered with status {status}; HTTP has none above 599."
    with serve_bytes(b"%d Odd" % status) as (upstream, _):
        with use_tape(path, "all", upstream) as session:
            recorded = ask(session.base_url)
        with replay_tape(make_tape(), service_urls={"s": upstream}) as replay:
            forwarded = ask(replay.service_url("s"))
        (exchange,) = replay.ledger.exchanges
    for answer in (recorded, forwarded):
        assert (answer.status_code, answer.json()["error"]["message"]) == (502, reason)
    assert exchange.status == 502
    assert [one.reason for one in session.uncaptured] == [reason]
    assert not path.exists()


def test_a_status_below_100_is_listed_as_not_captured(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        serve_bytes(b"099 Odd") as (upstream, _),
        use_tape(path, "all", upstream) as session,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        ask(session.base_url)
    (uncaptured,) = session.uncaptured
    assert uncaptured.reason.startswith("the endpoint did not answer completely (")
    assert "not 99" in uncaptured.reason


@pytest.mark.parametrize("text", ["Prüfer".encode(), "審査".encode(), b"Pr\xfcfer"])
def test_headers_that_are_not_ascii_pass_unchanged_both_ways(text: bytes, tmp_path: Path) -> None:
    answer_headers = (b"x-weather: " + text, b"set-cookie: a=1", b"set-cookie: b=2")
    with (
        serve_bytes(b"200 OK", *answer_headers) as (upstream, received),
        use_tape(tmp_path / "tape.jsonl", "all", upstream) as session,
    ):
        answer = ask(session.base_url, text)
    assert dict(answer.headers.raw)[b"x-weather"] == text
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert b"x-agent-name: " + text + b"\r\n" in received[0]
    assert session.recorded == 1


def test_a_repeated_content_type_leaves_a_valid_tape(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        serve_bytes(b"200 OK", b"content-type: text/html", body=b"<p>") as (upstream, _),
        use_tape(path, "all", upstream) as session,
    ):
        ask(session.base_url)
    with use_tape(path) as session:
        assert ask(session.base_url).text == "<p>"


@pytest.mark.parametrize("name", ["x kéy", "x key", ""])
def test_a_header_with_an_impossible_name_is_reported_without_its_value(
    name: str, tmp_path: Path
) -> None:
    with (
        serve_bytes(b"200 OK", f"{name}: {OPAQUE}".encode()) as (upstream, _),
        use_tape(tmp_path / "tape.jsonl", "all", upstream) as session,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        ask(session.base_url)
    (uncaptured,) = session.uncaptured
    assert uncaptured.reason == "the endpoint did not answer completely (illegal header line)"


@pytest.mark.parametrize("name", ["X Kéy", "x-añy", "", "x-weather"])
def test_the_headers_of_an_mcp_server_are_not_on_the_tape(name: str, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    server = {"type": "mcp", "server_label": "weather", "headers": {name: OPAQUE}}
    request = {"input": "how high?", "tools": [server]}
    line = reply_line("a", "2850 m") | {"path": "/v1/responses"}
    sent: dict[str, Any] = {"json": request, "headers": {AGENT_HEADER: "a"}}
    with replay_tape(make_tape(line)) as live, use_tape(path, "all", live.base_url) as session:
        httpx.post(f"{session.base_url}/responses", **sent).raise_for_status()
    assert OPAQUE not in path.read_text()
    with replay_tape(Tape.load(path)) as replay:
        httpx.post(f"{replay.base_url}/responses", **sent).raise_for_status()


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_a_body_that_decodes_to_too_much_is_refused(encoding: str, tmp_path: Path) -> None:
    body = chat_body().ljust((MAX_BODY_MIB + 1) * 2**20)
    for _ in encoding.split(","):
        body = gzip.compress(body, 1)
    with (
        replay_tape(make_tape(reply_line("a", "x"))) as replay,
        record_tape(replay.base_url, tmp_path / "tape.jsonl") as recorder,
    ):
        for base_url in (replay.base_url, recorder.base_url):
            headers = {AGENT_HEADER: "a", "content-encoding": encoding}
            answer = httpx.post(f"{base_url}/chat/completions", content=body, headers=headers)
            assert answer.status_code == 413
            assert f"larger than {MAX_BODY_MIB} MiB" in answer.json()["error"]["message"]
        (exchange,) = replay.ledger.exchanges
        assert exchange.status == 413
        assert ask(replay.base_url).is_success


def test_an_answer_that_decodes_to_too_much_is_listed_as_not_captured(tmp_path: Path) -> None:
    body = gzip.compress(b" " * (MAX_BODY_MIB + 1) * 2**20, 1)
    with (
        serve_bytes(b"200 OK", b"content-encoding: gzip", body=body) as (upstream, _),
        use_tape(tmp_path / "tape.jsonl", "all", upstream) as session,
        httpx.stream("POST", f"{session.base_url}/chat/completions", json=QUESTION) as answer,
    ):
        assert b"".join(answer.iter_raw()) == body
    (uncaptured,) = session.uncaptured
    assert uncaptured.reason == f"a body is larger than {MAX_BODY_MIB} MiB when it is decoded"
