"""A recorded line without a digest, as it comes from a trace, answers the same conversation."""

from typing import Any

import openai
import pytest

from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import ask, make_client, make_tape, recorded_line, user_message


def line_of_trace(body: dict[str, Any]) -> dict[str, Any]:
    line = recorded_line(body)
    del line["digest"]
    return line


def test_settings_that_no_trace_holds_make_no_difference() -> None:
    with replay_tape(make_tape(line_of_trace({"messages": user_message("hello")}))) as replay:
        client = make_client(replay, "a")
        reply = client.chat.completions.create(
            model="other", messages=user_message("hello"), temperature=0.5, max_tokens=9
        )
    assert reply.choices[0].message.content == "as recorded"


def test_another_conversation_is_refused_and_the_change_is_named() -> None:
    refused = pytest.raises(openai.UnprocessableEntityError, match=r"message 1 \(user\) was .*Bob")
    line = line_of_trace({"messages": user_message("hello Bob")})
    with replay_tape(make_tape(line)) as replay, refused:
        ask(make_client(replay, "a"), "hello Ann")


def test_tolerant_replay_reports_only_what_was_recorded() -> None:
    line = line_of_trace({"messages": user_message("hello Bob")})
    with replay_tape(make_tape(line), strict=False) as replay:
        make_client(replay, "a").chat.completions.create(
            model="other", messages=user_message("hello Ann"), temperature=0.5
        )
        (drift,) = replay.drift
    assert [change.severity for change in drift.changes] == ["text"]


def test_a_redacted_part_matches_any_text() -> None:
    line = line_of_trace({"messages": user_message("use [redacted: API key] and (go)")})
    with replay_tape(make_tape(line, line)) as replay:
        client = make_client(replay, "a")
        assert ask(client, "use my-own-key-1234 and (go)")
        with pytest.raises(openai.UnprocessableEntityError):
            ask(client, "use my-own-key-1234 and stop")


def test_tools_count_if_they_were_recorded() -> None:
    tool = {"type": "function", "function": {"name": "altitude", "parameters": {}}}
    line = line_of_trace({"messages": user_message("hello"), "tools": [tool]})
    with (
        replay_tape(make_tape(line)) as replay,
        pytest.raises(openai.UnprocessableEntityError, match="tool altitude is gone"),
    ):
        ask(make_client(replay, "a"), "hello")
