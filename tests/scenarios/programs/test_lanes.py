"""Agents that send no name get readable lanes, and are recognised when their prompts change."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from scenarios.programs.use_tape import TapeSession, use_tape
from scenarios.tape.lanes.lane_names import find_name
from scenarios.tape.tape import Tape, TapeError
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import make_tape, reply_line

WEATHER = "You answer questions about the weather in whole sentences, and in metric units only."


def send(session: TapeSession, prompt: str, task: str = "go", *tools: str, agent: str = "") -> str:
    """Send the request of an agent with a system prompt, a task and tools."""
    messages = [{"role": "system", "content": prompt}] if prompt else []
    body: dict[str, Any] = {"messages": [*messages, {"role": "user", "content": task}]}
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": name}} for name in tools]
    headers = {"x-agent-name": agent} if agent else {}
    response = httpx.post(f"{session.base_url}/chat/completions", json=body, headers=headers)
    if response.status_code != 200:
        return str(response.json()["error"]["message"])
    return str(response.json()["choices"][0]["message"]["content"])


def record(path: Path, *agents: tuple[str, ...]) -> None:
    """Record one completion for each agent: its prompt, task and tools; the answer is a number."""
    lines = [reply_line("x", str(number)) for number in range(len(agents))]
    with live_endpoint(*lines) as live, use_tape(path, "all", live.base_url) as session:
        for number, agent in enumerate(agents):
            assert send(session, *agent) == str(number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tape.jsonl"


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("You are Researcher. You find facts.\nYour personal goal is: facts", "Researcher"),
        ("You are a Senior Travel Planner, and polite.", "Senior Travel Planner"),
        ("Hello! You're the flight agent\nRefund tickets.", "flight agent"),
        ("# Role: Triage nurse\nAsk first.", "Triage nurse"),
        ("Your name is Ann. You are a helpful assistant.", "Ann"),
        ("You are a helpful AI assistant.", None),
        ("You are a friendly, knowledgeable assistant. Be brief.", None),
        ("You are the one who has read each and every word of it. Go.", None),
        (WEATHER, None),
        ("", None),
    ],
)
def test_a_prompt_may_name_its_agent(prompt: str, name: str | None) -> None:
    assert find_name(prompt) == name


def test_lanes_are_named_after_agents_or_numbered_in_order_of_appearance(path: Path) -> None:
    record(
        path,
        ("You are Researcher. You find facts.", "go", "search"),
        (WEATHER, "go"),
        ("You translate. Answer in French.", "go"),
        (WEATHER, "and now"),
        ("", "no prompt"),
    )
    tape = Tape.load(path)
    assert [line.lane for line in tape.lines] == [
        "Researcher",
        "agent-1",
        "agent-2",
        "agent-1",
        "agent-3",
    ]
    assert orjson.loads(path.read_bytes().splitlines()[0])["lanes"] == {
        "Researcher": {"prompt": "You are Researcher.", "tools": ["search"]},
        "agent-1": {
            "prompt": "You answer questions about the weather in whole sentences, and in",
            "tools": [],
        },
        "agent-2": {"prompt": "You translate. Answer in French.", "tools": []},
        "agent-3": {"prompt": "", "tools": []},
    }


def test_an_agent_whose_prompt_differs_only_in_dates_and_numbers_has_one_lane(path: Path) -> None:
    prompt = "Today is 3 May 2026, 10:31. Answer with the load of node {}."
    record(path, (prompt.format("a1"),), (prompt.format("b77").replace("3 May", "12 June"),))
    assert Tape.load(path).lanes == ("agent-1",)


def test_numbered_workers_have_a_lane_each(path: Path) -> None:
    record(path, ("You are Worker 1. Go.",), ("You are Worker 22. Go.",))
    with use_tape(path, tolerant=True) as session:
        assert send(session, "You are Worker 22. Go on.") == "1"
        assert send(session, "You are Worker 1. Go on.") == "0"
    assert [(one.lane, one.severity) for one in session.drift] == [
        ("Worker 22", "text"),
        ("Worker 1", "text"),
    ]


def test_strict_replay_names_the_lane_and_the_word_that_changed(path: Path) -> None:
    record(path, ("You are Researcher. You find facts.",), (WEATHER,))
    with use_tape(path) as session:
        message = send(session, "You are Researcher. You find true facts.")
    assert message.startswith('lane "Researcher", call 1: no line')
    assert "message 1 (system) was" in message
    assert [one.lane for one in session.refusals] == ["Researcher"]


def test_tolerant_replay_sends_an_unknown_agent_to_the_nearest_lane(path: Path) -> None:
    record(path, (WEATHER, "go", "forecast"), ("You book flights.", "go", "book", "refund"))
    with use_tape(path, tolerant=True) as session:
        assert send(session, "Book the flights that are asked for.", "go", "book", "refund") == "1"
    (drift,) = session.drift
    assert (drift.lane, drift.severity) == ("agent-2", "agent")
    assert 'the nearest is "agent-2", with the same tools' in str(drift)


def test_tolerant_replay_refuses_an_agent_that_is_like_no_other(path: Path) -> None:
    record(path, (WEATHER,), ("You book flights.",))
    with use_tape(path, tolerant=True) as session:
        send(session, "xyzzy 123", "go", "dig")
    assert len(session.refusals) == 1


def test_a_lane_can_be_renamed_and_recognised_by_a_pattern(path: Path) -> None:
    record(path, (WEATHER, "first"), ("You translate.", "first"))
    text = path.read_text().replace("agent-1", "meteorologist")
    head, *lines = text.splitlines()
    header = orjson.loads(head)
    header["lanes"]["meteorologist"] = {"when": "system: .*weather"}
    path.write_text("\n".join([orjson.dumps(header).decode(), *lines]))
    with use_tape(path, tolerant=True) as session:
        assert send(session, "It is about weather.", "first") == "0"
    assert [drift.lane for drift in session.drift] == ["meteorologist"]


def test_a_new_recording_keeps_renamed_lanes(path: Path) -> None:
    record(path, (WEATHER,))
    path.write_text(path.read_text().replace("agent-1", "meteorologist"))
    record(path, ("You translate.",), (WEATHER,))
    assert Tape.load(path).lanes == ("agent-1", "meteorologist")


def test_a_traced_program_is_recognised_on_a_tape_of_the_untraced_one(path: Path) -> None:
    record(path, ("You are Researcher. You find facts.",))
    with use_tape(path) as session:
        assert send(session, "You are Researcher. You find facts.", agent="researcher_1") == "0"
    assert not session.refusals


def test_agents_with_equal_prompts_get_their_own_replies_when_the_prompt_changes(
    path: Path,
) -> None:
    tasks = ("Count the birds of Peru.", "Count the fish of Peru.", "Count the frogs of Chile.")
    record(path, *((WEATHER, task) for task in tasks))
    with use_tape(path, tolerant=True) as session:
        answers = [send(session, f"{WEATHER} Hurry!", task) for task in reversed(tasks)]
    assert answers == ["2", "1", "0"]


def test_a_key_in_a_prompt_is_neither_in_the_lane_nor_in_its_rule(path: Path) -> None:
    key = "opaque4711secret"
    prompt, body = f"You are Agent {key}. Go.", {"messages": [{"role": "user", "content": "go"}]}
    body["messages"].insert(0, {"role": "system", "content": prompt})

    def ask(session: TapeSession) -> int:
        url, headers = f"{session.base_url}/chat/completions", {"authorization": f"Bearer {key}"}
        return httpx.post(url, json=body, headers=headers).status_code

    with (
        live_endpoint(reply_line("x", "1")) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        assert ask(session) == 200
    assert key not in path.read_text()
    with use_tape(path) as session:
        assert ask(session) == 200
    assert session.unplayed_lines == ()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"lanes": {"a": {"prmpt": "x"}}}, "'prmpt'; nearest: 'prompt'"),
        ({"lanes": {"a": "x"}}, "the rule of lane 'a' must be an object, not a string"),
        ({"lanes": {"a": {"when": "("}}}, "\"when\" of lane 'a' is not a regular expression"),
        ({"lanes": {"a": {"tools": "x"}}}, "\"tools\" of lane 'a' must be a list"),
        ({"lanes": {}, "endpoint": {}}, "unknown key of the header 'endpoint'"),
        ({"endpoints": {"X": "v1"}}, "the endpoint of X must be a path"),
        ({"volatile": [{"name": "x"}]}, "needs 'pattern'"),
        ({"volatile": [{"name": "x", "pattern": "("}]}, "is not a regular expression"),
        ({"order": "random"}, '"order" must be "recorded"'),
    ],
)
def test_an_invalid_header_is_an_error_with_its_line(header: Any, reason: str) -> None:
    with pytest.raises(TapeError, match=r"case/tape.jsonl:1: ") as error:
        make_tape(header)
    assert reason in str(error.value)
