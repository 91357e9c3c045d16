"""A recorded line answers the request that was recorded; another is refused, or served as drift."""

from typing import Any

import openai
import pytest

from scenarios.replay.replay_server import replayed
from scenarios.tape.request import canonical, digest
from tests.support.tapes import MODEL, ask, client, tape, user

TOOLS: Any = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("altitude", "population")
]


def recorded_line(body: dict[str, Any], **line: Any) -> dict[str, Any]:
    request = canonical(body)
    message = {"role": "assistant", "content": "as recorded"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    response = {"status": 200, "body": {"id": "x", "object": "chat.completion", "created": 1}}
    response["body"] |= {"model": "m", "choices": [choice]}  # type: ignore[operator]
    kept = {"digest": digest(request), "request": request, "response": response}
    return {"lane": "a", "origin": "recorded"} | kept | line


def test_a_recorded_line_is_chosen_by_digest_whatever_is_volatile() -> None:
    line = recorded_line({"model": "other", "seed": 1, "messages": user("hello")})
    with replayed(tape(line)) as replay:
        got = client(replay, "a").chat.completions.create(
            model=MODEL, messages=user("hello"), user="me", stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" for chunk in got]
    assert "".join(pieces) == "as recorded"


def test_strict_play_refuses_a_changed_request_and_says_what_changed() -> None:
    changed = pytest.raises(openai.UnprocessableEntityError, match=r"message 1 \(user\) was .*Bob")
    with replayed(tape(recorded_line({"messages": user("hello Bob")}))) as replay, changed:
        ask(client(replay, "a"), "hello Ann")


def drifts(was: dict[str, Any], now: dict[str, Any], severity: str, says: str) -> None:
    with replayed(tape(recorded_line(was)), strict=False) as replay:
        asked = client(replay, "a").chat.completions.create(model=MODEL, **now)
        assert asked.choices[0].message.content == "as recorded"
    (drift,) = replay.drift
    assert drift.severity == severity
    assert says in str(drift)


def test_tolerant_play_serves_a_changed_text_and_reports_it() -> None:
    was, now = {"messages": user("hello Bob")}, {"messages": user("hello Ann")}
    drifts(was, now, "text", "message 1 (user) was")


def test_a_change_is_shown_from_a_word_on_that_stands_before_it() -> None:
    was, now = (user(f"is there a long way over the pass to {to}") for to in ("Rome", "Bern"))
    shown = 'was …way over the pass to Rome","role":"user"} and is …way over the pass to Bern",'
    drifts({"messages": was}, {"messages": now}, "text", shown)


def test_tolerant_play_reports_another_order() -> None:
    first, second = user("one")[0], user("two")[0]
    drifts({"messages": [first, second]}, {"messages": [second, first]}, "order", "another order")


def test_tolerant_play_reports_another_tool_schema() -> None:
    changed = [TOOLS[0] | {"function": {"name": "altitude", "parameters": {"type": "null"}}}]
    was = {"messages": user("x"), "tools": TOOLS}
    drifts(was, {"messages": user("x"), "tools": changed}, "tools", "tool population is gone")


def test_tolerant_play_reports_a_missing_and_a_new_message() -> None:
    one, two = user("one"), user("two")
    drifts(
        {"messages": [*one, *two]}, {"messages": one}, "missing", "the recorded message 2 is gone"
    )
    drifts({"messages": one}, {"messages": [*one, *two]}, "missing", "message 2 is new")


def test_when_and_digest_must_both_hold() -> None:
    line = recorded_line({"messages": user("hello")}, when="good night")
    with replayed(tape(line), strict=False) as replay, pytest.raises(openai.APIStatusError):
        ask(client(replay, "a"), "hello")
    assert replay.drift == ()
