"""A request that no line answers is refused with what a person needs to mend it."""

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


def test_a_refusal_names_the_nearest_line_what_differs_and_what_mends_it() -> None:
    lines = [
        reply_line("a", "x", "nothing alike"),
        reply_line("a", "y", r"altitude of (\d+) metres"),
    ]
    with replay_tape(make_tape(reply_line("a", "z", "^user: first"), *lines)) as replay:
        ask(make_client(replay, "a"), "first")
        with pytest.raises(openai.UnprocessableEntityError):
            ask(make_client(replay, "a"), "at an altitude of some metres")
    said = str(replay.refusals[0])
    assert 'lane "a", call 2: no line of case/tape.jsonl answers' in said
    assert "The lane has 3 lines, 1 played." in said
    assert r"case/tape.jsonl:3 [a] altitude of (\d+) metres" in said
    assert "it holds as far as 'altitude of '" in said
    assert "then '(\\\\d+) metres' is not found" in said
    assert "edit case/tape.jsonl:3, then start serving anew" in said


def test_a_lane_that_is_played_out_is_refused() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        ask(make_client(replay, "a"))
        with pytest.raises(openai.UnprocessableEntityError, match=r"1 line, 1 played"):
            ask(make_client(replay, "a"))


def test_an_unknown_path_is_not_found_and_told() -> None:
    with replay_tape(make_tape(service_line("s", "/search", 1))) as replay:
        said = httpx.post(f"{replay.url}/serach", json={})
    assert said.status_code == 404
    assert "nearest: POST /search" in said.json()["error"]["message"]
    assert len(replay.refusals) == 1


def test_messages_of_no_known_shape_are_refused_not_broken() -> None:
    with replay_tape(make_tape(reply_line("a", "x", "y"))) as replay:
        body = b'{"messages":[1,{"content":[2]}]}'
        said = httpx.post(f"{replay.base_url}/chat/completions", content=body)
        assert said.status_code == 400
        assert [exchange.status for exchange in replay.ledger.exchanges] == [400]
