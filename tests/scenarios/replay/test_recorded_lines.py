"""A recorded line answers the recorded request; others are refused, or served with drift."""

from typing import Any

import openai
import pytest

from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import (
    MODEL,
    ask,
    make_client,
    make_tape,
    recorded_line,
    user_message,
)

TOOLS: Any = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("altitude", "population")
]


def test_volatile_fields_do_not_affect_the_digest() -> None:
    line = recorded_line({"model": "other", "seed": 1, "messages": user_message("hello")})
    with replay_tape(make_tape(line)) as replay:
        got = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("hello"), user="me", stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" for chunk in got]
    assert "".join(pieces) == "as recorded"


def test_strict_replay_refuses_a_changed_request_and_reports_the_change() -> None:
    changed = pytest.raises(openai.UnprocessableEntityError, match=r"message 1 \(user\) was .*Bob")
    with (
        replay_tape(make_tape(recorded_line({"messages": user_message("hello Bob")}))) as replay,
        changed,
    ):
        ask(make_client(replay, "a"), "hello Ann")


def assert_drift(
    recorded: dict[str, Any], actual: dict[str, Any], severity: str, description: str
) -> None:
    with replay_tape(make_tape(recorded_line(recorded)), strict=False) as replay:
        completion = make_client(replay, "a").chat.completions.create(model=MODEL, **actual)
        assert completion.choices[0].message.content == "as recorded"
    (drift,) = replay.drift
    assert drift.severity == severity
    assert description in str(drift)


def test_tolerant_replay_serves_a_changed_text_and_reports_it() -> None:
    was, now = {"messages": user_message("hello Bob")}, {"messages": user_message("hello Ann")}
    assert_drift(was, now, "text", "message 1 (user) was")


def test_a_change_is_described_with_some_words_of_context() -> None:
    was, now = (
        user_message(f"is there a long way over the pass to {to}") for to in ("Rome", "Bern")
    )
    description = (
        'was …way over the pass to Rome","role":"user"} and is …way over the pass to Bern",'
    )
    assert_drift({"messages": was}, {"messages": now}, "text", description)


def test_tolerant_replay_reports_a_changed_order() -> None:
    first, second = user_message("one")[0], user_message("two")[0]
    assert_drift(
        {"messages": [first, second]}, {"messages": [second, first]}, "order", "another order"
    )


def test_tolerant_replay_reports_a_changed_tool_schema() -> None:
    changed = [TOOLS[0] | {"function": {"name": "altitude", "parameters": {"type": "null"}}}]
    was = {"messages": user_message("x"), "tools": TOOLS}
    assert_drift(
        was, {"messages": user_message("x"), "tools": changed}, "tools", "tool population is gone"
    )


def test_tolerant_replay_reports_a_missing_and_a_new_message() -> None:
    one, two = user_message("one"), user_message("two")
    assert_drift(
        {"messages": [*one, *two]}, {"messages": one}, "missing", "the recorded message 2 is gone"
    )
    assert_drift({"messages": one}, {"messages": [*one, *two]}, "missing", "message 2 is new")


def test_when_and_digest_must_both_match() -> None:
    line = recorded_line({"messages": user_message("hello")}, when="good night")
    with replay_tape(make_tape(line), strict=False) as replay, pytest.raises(openai.APIStatusError):
        ask(make_client(replay, "a"), "hello")
    assert replay.drift == ()
