"""A request that no line answers is refused with an explanation and a fix."""

import httpx
import openai
import pytest

from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import ask, make_client, make_tape, reply_line, service_line


def test_an_unknown_lane_is_refused_with_the_nearest_one() -> None:
    refused = pytest.raises(openai.UnprocessableEntityError)
    with replay_tape(make_tape(reply_line("reviewer", "x"))) as replay, refused as refusal:
        ask(make_client(replay, "reviwer", max_retries=2))
    assert 'lane "reviwer", call 1' in refusal.value.message
    assert "It has: reviewer; nearest: reviewer." in refusal.value.message
    assert len(replay.refusals) == 1


def test_a_refusal_has_the_nearest_line_the_difference_and_the_fix() -> None:
    lines = [
        reply_line("a", "x", "nothing alike"),
        reply_line("a", "y", r"altitude of (\d+) metres"),
    ]
    with replay_tape(make_tape(reply_line("a", "z", "^user: first"), *lines)) as replay:
        ask(make_client(replay, "a"), "first")
        with pytest.raises(openai.UnprocessableEntityError):
            ask(make_client(replay, "a"), "at an altitude of some metres")
    message = str(replay.refusals[0])
    assert 'lane "a", call 2: no line of case/tape.jsonl answers' in message
    assert "The lane has 3 lines, 1 of them played." in message
    assert r"case/tape.jsonl:3 [a] altitude of (\d+) metres" in message
    assert "its condition matches up to 'altitude of '" in message
    assert "but '(\\\\d+) metres' does not match" in message
    assert "edit case/tape.jsonl:3, then restart the server" in message


def test_a_lane_without_unplayed_lines_refuses_requests() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        ask(make_client(replay, "a"))
        with pytest.raises(openai.UnprocessableEntityError, match=r"1 line, 1 of them played"):
            ask(make_client(replay, "a"))


def test_an_unknown_path_is_refused_with_the_nearest_one() -> None:
    with replay_tape(make_tape(service_line("s", "/search", 1))) as replay:
        response = httpx.post(f"{replay.url}/serach", json={})
    assert response.status_code == 404
    assert "nearest: POST /search" in response.json()["error"]["message"]
    assert len(replay.refusals) == 1


def test_messages_of_an_unknown_shape_are_refused() -> None:
    with replay_tape(make_tape(reply_line("a", "x", "y"))) as replay:
        body = b'{"messages":[1,{"content":[2]}]}'
        response = httpx.post(f"{replay.base_url}/chat/completions", content=body)
        assert response.status_code == 400
        assert [exchange.status for exchange in replay.ledger.exchanges] == [400]
