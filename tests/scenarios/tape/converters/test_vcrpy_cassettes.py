"""Cassettes of vcrpy become tapes that replay, and tapes become cassettes."""

import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # it ships no annotations

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command
from tests.support.tapes import ask, make_client, recorded_line, reply_line, user_message

ENDPOINT = "https://api.openai.com/v1/chat/completions"
KEY = "sk-" + "abcdefgh" * 6


def completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice]}


def interaction(body: Any, response: Any, uri: str = ENDPOINT) -> dict[str, Any]:
    """An interaction as vcrpy's YAML serializer writes it."""
    headers = {"authorization": [f"Bearer {KEY}"], "x-agent-name": ["diver"]}
    received = {
        "body": {"string": response if isinstance(response, bytes) else json.dumps(response)},
        "headers": {"Content-Type": ["application/json"]},
        "status": {"code": 200, "message": "OK"},
    }
    sent = {"body": json.dumps(body), "headers": headers, "method": "POST", "uri": uri}
    return {"request": sent, "response": received}


def write_cassette(path: Path, *interactions: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"interactions": list(interactions), "version": 1}))
    return path


def import_cassette(path: Path, *interactions: dict[str, Any]) -> tuple[Tape, str]:
    cassette = write_cassette(path / "cassette.yaml", *interactions)
    ended = run_command("", "convert", str(cassette), str(path / "tape.jsonl"))
    assert (ended.exit_code, ended.stderr) == (0, "")
    return Tape.load(path / "tape.jsonl"), ended.stdout


def question(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": user_message(text)}


def test_an_interaction_replays_in_strict_mode(tmp_path: Path) -> None:
    tape, _ = import_cassette(tmp_path, interaction(question("How deep?"), completion("8 m.")))
    with replay_tape(tape) as replay:
        assert ask(make_client(replay, "diver"), "How deep?") == "8 m."


@pytest.mark.parametrize("is_decoded", [True, False])
def test_a_compressed_body_is_decoded(tmp_path: Path, is_decoded: bool) -> None:
    plain = json.dumps(completion("8 m.")).encode()
    compressed = interaction(question("How deep?"), plain if is_decoded else gzip.compress(plain))
    compressed["response"]["headers"]["Content-Encoding"] = ["gzip"]
    tape, _ = import_cassette(tmp_path, compressed)
    with replay_tape(tape) as replay:
        assert ask(make_client(replay, "diver"), "How deep?") == "8 m."


def test_a_cassette_of_httpx_before_version_6_is_read(tmp_path: Path) -> None:
    old = interaction(question("How deep?"), b"")
    content = json.dumps(completion("8 m."))
    old["response"] = {"content": content, "http_version": "HTTP/1.1", "status_code": 200}
    tape, _ = import_cassette(tmp_path, old)
    with replay_tape(tape) as replay:
        assert ask(make_client(replay, "diver"), "How deep?") == "8 m."


def test_secrets_of_a_cassette_never_reach_the_tape(tmp_path: Path) -> None:
    tape, output = import_cassette(
        tmp_path, interaction(question(f"My key is {KEY}."), completion(f"You said {KEY}."))
    )
    assert KEY not in (tmp_path / "tape.jsonl").read_text()
    assert (tmp_path / "tape.jsonl").stat().st_mode & 0o777 == 0o600
    assert "headers are not on a tape" in output
    assert len(tape.lines) == 1


def test_another_service_gets_a_lane_of_its_own(tmp_path: Path) -> None:
    sent = interaction({}, {"depth": 8}, "https://lakes.example/depth?place=lake")
    sent["request"] |= {"method": "GET", "body": None, "headers": {}}
    tape, _ = import_cassette(tmp_path, sent)
    assert tape.lanes == ("lakes.example",)
    with replay_tape(tape) as replay:
        assert httpx.get(f"{replay.url}/depth?place=lake").json() == {"depth": 8}


def test_an_interaction_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    _, output = import_cassette(
        tmp_path, interaction(question("a"), completion("b")), {"request": {}, "response": {}}
    )
    assert "not carried over: interaction 2: not as vcrpy writes it" in output


def test_a_tape_becomes_a_cassette_and_the_cassette_the_same_answers(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    lines = [
        recorded_line({"messages": user_message("a")}),
        reply_line("a", "fixed", when="b"),
        reply_line("a", "${word}", when="(?P<word>c)"),
    ]
    tape.write_text("\n".join(map(json.dumps, lines)))
    ended = run_command("", "convert", str(tape), str(tmp_path / "cassette.yaml"), "--json")
    report = json.loads(ended.stdout)
    assert report["exchanges"] == 2
    places = {loss["place"]: loss["description"] for loss in report["not_carried_over"]}
    assert "uses ${word}" in places[f"{tape}:3"]
    assert "all lines" not in places  # of one agent; those of several may be swapped
    cassette = yaml.safe_load((tmp_path / "cassette.yaml").read_text())
    bodies = [json.loads(one["response"]["body"]["string"]) for one in cassette["interactions"]]
    texts = [body["choices"][0]["message"]["content"] for body in bodies]
    assert texts == ["as recorded", "fixed"]
    assert cassette["interactions"][0]["request"]["uri"] == ENDPOINT


def test_a_file_of_another_kind_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: 1")
    ended = run_command("", "convert", str(tmp_path / "other.yaml"), str(tmp_path / "t.jsonl"))
    assert (ended.exit_code, "expected a tape (JSONL)" in ended.stderr) == (2, True)


@pytest.mark.parametrize("status", [99, 600])
def test_a_status_that_no_tape_can_hold_is_a_loss(status: int, tmp_path: Path) -> None:
    odd = interaction(question("How deep?"), completion("8 m."))
    odd["response"]["status"]["code"] = status
    tape, listed = import_cassette(tmp_path, odd, interaction(question("x"), completion("y")))
    assert len(tape.lines) == 1
    assert f"status {status} is not that of an HTTP response" in listed
