"""A request that no line answers is refused with an explanation and a fix."""

import re
from typing import Any

import httpx
import openai
import pytest

from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.tapes import (
    MODEL,
    ask,
    make_client,
    make_tape,
    recorded_line,
    reply_line,
    service_line,
    user_message,
)


def refusal_of(replay: ReplayServer, lane: str | None, text: str = "go on", **options: Any) -> str:
    """Send a request that must be refused; return the message that the client gets."""
    with pytest.raises(openai.UnprocessableEntityError) as refusal:
        ask(make_client(replay, lane, **options), text)
    return str(refusal.value.body["message"])  # type: ignore[index]


def test_an_unknown_lane_is_refused_with_the_nearest_one_first() -> None:
    with replay_tape(make_tape(reply_line("reviewer", "x"))) as replay:
        message = refusal_of(replay, "reviwer", max_retries=2)
    assert message.startswith(
        'case/tape.jsonl has no lane "reviwer". Did you mean "reviewer"?\n'
        "The lane comes from the client's x-agent-name header.\n"
    )
    assert 'To fix it: change the header to "x-agent-name: reviewer"' in message
    assert len(replay.refusals) == 1


@pytest.mark.parametrize(
    "other", [[], [reply_line("critic", "y", "^user: judge")]], ids=["one lane", "two lanes"]
)
def test_a_client_without_the_header_learns_of_it_and_of_the_lane_that_it_may_mean(
    other: list[Any],
) -> None:
    with replay_tape(make_tape(*other, reply_line("node", "x", "^user: go on"))) as replay:
        message = refusal_of(replay, None)
    assert message.startswith(
        'The request has no x-agent-name header, which names its lane. Did you mean "node"?\n'
    )
    assert 'send the header "x-agent-name: node" from this agent\'s client' in message
    assert "a fingerprint of the system prompt and the tool names" in message


def test_the_changed_sentence_of_an_unrecognised_prompt_is_in_the_refusal() -> None:
    messages = [{"role": "system", "content": "Count the boats. Be brief."}, *user_message("go on")]
    header = {"lanes": {"agent-1": {"prompt": "Count the boats. Be brief.", "tools": []}}}
    tape = make_tape(header, recorded_line({"messages": messages}, lane="agent-1"))
    changed = [{"role": "system", "content": "Count the boats. Be kind."}, *user_message("go on")]
    with (
        replay_tape(tape) as replay,
        pytest.raises(openai.UnprocessableEntityError, match="replay it with --tolerant"),
    ):
        make_client(replay).chat.completions.create(model=MODEL, messages=changed)  # type: ignore[arg-type] # plain dictionaries
    message = str(replay.refusals[0])
    assert "no lane is recognised by the system prompt" in message
    assert 'Did you mean "agent-1"?' in message
    assert "message 1 (system) was" in message
    assert "Be kind." in message


def test_a_client_without_the_header_is_not_given_a_lane_at_random() -> None:
    with replay_tape(make_tape(reply_line("ann", "x"), reply_line("bob", "y"))) as replay:
        message = refusal_of(replay, None)
    assert "Did you mean" not in message
    assert "The tape has the lanes: ann, bob." in message
    assert 'send the header "x-agent-name: NAME"' in message


@pytest.mark.parametrize(
    "faulty",
    [
        reply_line("nodee", "y", "^user: second"),
        reply_line("critic", "y", "^user: second"),
        reply_line("node", "y", "^user: secnd question"),
        reply_line("node", "y", "^second question$"),
        reply_line("node", "y", "never"),
    ],
    ids=["misspelt lane", "other lane", "misspelt text", "anchored text", "unrelated text"],
)
def test_the_nearest_line_is_the_faulty_one_and_not_a_later_one(faulty: dict[str, Any]) -> None:
    lines = [reply_line("critic", "ok", "^user: judge"), reply_line("node", "z", "^user: third")]
    with replay_tape(make_tape(reply_line("node", "x", "^user: first"), faulty, *lines)) as replay:
        ask(make_client(replay, "node"), "first question")
        message = refusal_of(replay, "node", "second question")
    assert replay.refusals[0].nearest_line is not None
    assert replay.refusals[0].nearest_line.number == 2
    assert "Nearest unplayed line: case/tape.jsonl:2" in message
    assert re.search(r"To fix it: (edit|if) case/tape.jsonl:2", message)


def test_a_line_in_a_misspelt_lane_is_found_when_its_lane_is_used_up() -> None:
    lines = [reply_line("writer", "x"), reply_line("wirter", "y"), reply_line("writer", "z")]
    with replay_tape(make_tape(*lines)) as replay:
        assert [ask(make_client(replay, "writer")) for _ in range(2)] == ["x", "z"]
        message = refusal_of(replay, "writer")
    assert 'case/tape.jsonl:2 [wirter] (always)\n  its lane is "wirter", not "writer"' in message
    assert 'if case/tape.jsonl:2 should answer it, change its lane to "writer"' in message


def test_the_nearest_recorded_line_is_the_one_with_the_most_similar_request() -> None:
    recorded = [recorded_line({"messages": user_message(text)}) for text in ("go west", "Rome")]
    with replay_tape(make_tape(*recorded)) as replay:
        message = refusal_of(replay, "a", "Romes")
    assert "Nearest unplayed line: case/tape.jsonl:2" in message
    assert "the recorded request differs: message 1 (user) was" in message


def test_an_endpoint_without_lines_is_refused_with_the_endpoints_of_the_tape() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        response = httpx.post(f"{replay.base_url}/embeddings", json={"input": "x"})
    assert response.status_code == 404
    assert "It has: POST /v1/chat/completions" in response.json()["error"]["message"]


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
        message = refusal_of(replay, "a")
    assert "The lane has 1 line, 1 of them played." in message
    assert "add a line after case/tape.jsonl:1, then restart the server" in message
    assert "To play the tape from its start again: POST /rewind." in message


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


KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz"


def test_no_refusal_and_no_drift_quotes_a_key() -> None:
    recorded = {"messages": user_message("go on")}
    with replay_tape(
        make_tape(reply_line("a", "x", "never"), recorded_line(recorded, lane="b"))
    ) as replay:
        refusal_of(replay, "a", f"my key is {KEY}")
        refusal_of(replay, "b", f"my key is {KEY}")
        refusal_of(replay, KEY, "stop")
        httpx.post(f"{replay.url}/bot/{KEY}/send", json={"key": KEY})
    messages = [str(refusal) for refusal in replay.refusals]
    assert len(messages) == 4
    assert not any(KEY in message for message in messages)
    assert sum("[redacted: " in message for message in messages) >= 3
    with replay_tape(make_tape(recorded_line(recorded)), strict=False) as replay:
        ask(make_client(replay, "a"), f"my key is {KEY}")
    assert "[redacted: " in str(replay.drift[0])
    assert KEY not in str(replay.drift[0])
