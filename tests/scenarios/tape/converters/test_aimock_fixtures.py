"""Fixtures of aimock become tapes that replay, and tapes become fixtures."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command
from tests.support.tapes import ask, make_client, recorded_line, reply_line

CALL = {"name": "sound", "arguments": {"place": "lake"}}


def import_fixtures(folder: Path, *fixtures: dict[str, Any]) -> tuple[Tape, str]:
    source = folder / "fixtures.json"
    source.write_text(json.dumps({"fixtures": fixtures}))
    ended = run_command("", "convert", str(source), str(folder / "tape.jsonl"), "--force")
    assert (ended.exit_code, ended.stderr) == (0, "")
    return Tape.load(folder / "tape.jsonl"), ended.stdout


def reply_to(fixture: dict[str, Any], folder: Path, *messages: Any, **options: Any) -> Any:
    """What a client without a name gets from the tape of one fixture."""
    tape, _ = import_fixtures(folder, fixture)
    with replay_tape(tape) as replay:
        client = openai.OpenAI(base_url=replay.base_url, api_key="taped", max_retries=0)
        completion = client.chat.completions.create(model="m", messages=list(messages), **options)
    return completion.choices[0].message


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_the_last_message_of_the_user_decides(tmp_path: Path) -> None:
    fixture = {"match": {"userMessage": "deep"}, "response": {"content": "8 m."}}
    assert reply_to(fixture, tmp_path, user("a"), user("How deep?")).content == "8 m."
    with pytest.raises(openai.UnprocessableEntityError):
        reply_to(fixture, tmp_path, user("How deep?"), user("And how far?"))


def test_the_system_message_and_the_tools_are_matched(tmp_path: Path) -> None:
    match = {"systemMessage": ["Ann", "dive"], "toolName": "sound"}
    fixture = {"match": match, "response": {"toolCalls": [CALL]}}
    tool = {"type": "function", "function": {"name": "sound", "parameters": {"type": "object"}}}
    system = {"role": "system", "content": "You are Ann.\nYou dive."}
    message = reply_to(fixture, tmp_path, system, user("How deep?"), tools=[tool])
    assert message.tool_calls[0].function.name == "sound"
    assert json.loads(message.tool_calls[0].function.arguments) == {"place": "lake"}
    with pytest.raises(openai.UnprocessableEntityError):
        reply_to(fixture, tmp_path, system, user("How deep?"))


def test_the_result_of_a_tool_is_matched(tmp_path: Path) -> None:
    match = {"toolResultContains": "8 m", "hasToolResult": True}
    fixture = {"match": match, "response": {"content": "It is 8 m deep."}}
    function = {"name": "sound", "arguments": "{}"}
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": "1", "content": "8 m\nand cold"}
    assert reply_to(fixture, tmp_path, user("a"), called, result).content == "It is 8 m deep."
    with pytest.raises(openai.UnprocessableEntityError):
        reply_to(fixture, tmp_path, user("a"))


def test_what_a_tape_cannot_hold_is_listed(tmp_path: Path) -> None:
    _, output = import_fixtures(
        tmp_path,
        {"match": {"model": "gpt"}, "response": {"content": "a"}, "latency": 5},
        {"match": {}, "response": {"error": {"message": "slow"}, "status": 429}},
        {"match": {}, "response": {"images": []}},
        {"match": {}, "response": {"toolCalls": [{"arguments": "{}"}]}},
    )
    for line in (
        "fixture 1: `latency` has no counterpart",
        "fixture 1: match.model has no counterpart",
        "fixture 2: an error (status 429) is not a line: replay it with a fault",
        "fixture 3: a response with images has no counterpart",
        "fixture 4: not as aimock reads it",
        "all fixtures: fixtures have no lanes",
    ):
        assert f"not carried over: {line}" in output


def test_a_tape_becomes_fixtures(tmp_path: Path) -> None:
    system = {"role": "system", "content": "You dive."}
    lines = [
        recorded_line({"messages": [system, user("How deep?")]}),
        recorded_line({"messages": [system, user("How deep?")]}),
        reply_line("a", "${word}", when="(?P<word>c)"),
        reply_line("a", "40 m"),
        reply_line("a", "40 m", usage={"completion_tokens": 5}),
    ]
    (tmp_path / "tape.jsonl").write_text("\n".join(map(json.dumps, lines)))
    target = tmp_path / "fixtures.json"
    ended = run_command("", "convert", str(tmp_path / "tape.jsonl"), str(target))
    fixtures = json.loads(target.read_text())["fixtures"]
    assert [one["match"]["sequenceIndex"] for one in fixtures] == [0, 1, 0, 1]
    assert fixtures[2]["response"] == {"content": "40 m"}
    assert fixtures[3]["response"]["usage"] == {"prompt_tokens": 0, "completion_tokens": 5}
    assert fixtures[0]["match"]["userMessage"] == "How deep?"
    assert fixtures[0]["match"]["systemMessage"] == "You dive."
    assert fixtures[0]["response"]["content"] == "as recorded"
    assert "tape.jsonl:3: its reply uses ${word}, which aimock cannot fill" in ended.stdout


def test_a_tape_survives_the_way_to_fixtures_and_back(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(recorded_line({"messages": [user("How deep?")]})))
    for source, target in (("a.jsonl", "b.json"), ("b.json", "c.jsonl")):
        assert run_command("", "convert", *(str(tmp_path / one) for one in (source, target)))
    with replay_tape(Tape.load(tmp_path / "c.jsonl")) as replay:
        assert ask(make_client(replay, "agent"), "How deep?") == "as recorded"
