"""Two recordings of one program show what changes from run to run; rules leave it out."""

import json
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from scenarios.programs.recording_comparison.volatile_search import find_rules
from scenarios.programs.use_tape import use_tape
from scenarios.tape.requests.volatile import VolatileRules
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import reply_line

PROMPT = "You are Clerk. Today is {date}. Work in {folder}."
TASK = "Book ticket {ticket} for run {run}."
MONDAY = {
    "date": "2026-11-23",
    "folder": "/tmp/tmpab12cd/work",
    "ticket": "48213",
    "run": "0b9e6c1e-7f0e-4a43-8d2c-2d0a0d1f7a10",
}
TUESDAY = {
    "date": "2026-11-24",
    "folder": "/tmp/tmpzz98yx/work",
    "ticket": "99120",
    "run": "5f1d1c9a-3b7b-4c1e-9a54-b7f0c6b3a111",
}


def send(base_url: str, system: str, user: str) -> int:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return httpx.post(f"{base_url}/chat/completions", json={"messages": messages}).status_code


def record(path: Path, day: dict[str, str], *more: str) -> Path:
    """Record the program of a day: its one request, and requests with further tasks."""
    prompt = PROMPT.format(**day)
    with (
        live_endpoint(*[reply_line("x", "done")] * (1 + len(more))) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        for task in (TASK.format(**day), *more):
            assert send(session.base_url, prompt, task) == 200
    return path


def test_the_rule_of_an_unknown_part_has_three_words_before_it() -> None:
    (rule,) = find_rules("two of our session 4711 now", "two of our session 4799 now")
    assert rule.pattern == r"(?<=of\ our\ session\ )\d+"


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("on 2026-01-02T03:04:05Z", "on 2026-01-02T09:09:09Z", ["timestamp"]),
        ("on Sat, Nov 28, 2026", "on Sun, Nov 29, 2026", ["date"]),
        ("at 9:30 on 2026-01-02", "at 11:05 on 2026-01-03", ["date", "time"]),
        (
            "in /var/folders/x1/y and 0x7f0012aa",
            "in /tmp/z and 0x7f0012ab",
            ["temporary path", "address"],
        ),
        ("in /home/ann/x", "in /Users/bob/x", ["home"]),
        ("at 127.0.0.1:8080", "at 127.0.0.1:9090", ["local port"]),
        ("since 1780000000", "since 1790000000", ["unix time"]),
        ("call_a1b2c3d4e5", "call_z9y8x7w6v5", ["id"]),
        ("seat 12, session 4711 now", "seat 12, session 4799 now", ["value after session"]),
        ("in seat B7 now", "in seat C12 now", ["value after in seat"]),
        ("it rains", "it snows", []),
        ("two of 5 pass", "two of 5 fail", []),
    ],
)
def test_a_changed_part_is_explained_by_a_rule(before: str, after: str, names: list[str]) -> None:
    rules = find_rules(before, after)
    assert [rule.name for rule in rules] == names
    equal = VolatileRules(rules).normalize(before) == VolatileRules(rules).normalize(after)
    assert equal is bool(names)


def test_doctor_names_the_lines_proposes_rules_and_writes_them(tmp_path: Path, store: str) -> None:
    monday = record(tmp_path / "monday.jsonl", MONDAY)
    tuesday = record(tmp_path / "tuesday.jsonl", TUESDAY)
    found = run_command(store, "doctor", str(monday), str(tuesday))
    assert found.exit_code == 1
    assert f"  {monday}:2 and {tuesday}:2\n" in found.stdout
    for name in ("uuid", "date", "temporary path", "value after Book ticket"):
        assert f"volatile: {name}, pattern " in found.stdout
    assert "--write" in found.stdout
    written = run_command(store, "doctor", str(monday), str(tuesday), "--write")
    assert written.exit_code == 0
    assert "wrote 4 rules" in written.stdout
    again = run_command(store, "doctor", str(monday), str(tuesday), "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout) == {
        "equal": 1,
        "volatile": [],
        "written": False,
        "differences": [],
        "unpaired": [],
    }


def test_a_tape_with_rules_answers_another_day_strictly(tmp_path: Path, store: str) -> None:
    monday = record(tmp_path / "monday.jsonl", MONDAY)
    tuesday = record(tmp_path / "tuesday.jsonl", TUESDAY)
    wednesday = {**TUESDAY, "date": "2026-11-25", "ticket": "50001"}
    with use_tape(monday) as session:
        assert send(session.base_url, PROMPT.format(**wednesday), TASK.format(**wednesday)) == 422
    run_command(store, "doctor", str(monday), str(tuesday), "--write")
    with use_tape(monday) as session:
        other = TASK.format(**wednesday).replace("Book", "Cancel")
        assert send(session.base_url, PROMPT.format(**wednesday), other) == 422
        assert send(session.base_url, PROMPT.format(**wednesday), TASK.format(**wednesday)) == 200
    assert (session.drift, session.unplayed_lines) == ((), ())
    (refusal,) = session.refusals
    assert "Cancel" in str(refusal)


def test_what_no_rule_explains_is_listed(tmp_path: Path, store: str) -> None:
    monday = record(tmp_path / "monday.jsonl", MONDAY, "Then write to Ann.", "Sum up all of it.")
    tuesday = record(tmp_path / "tuesday.jsonl", TUESDAY, "Then write to Bob.")
    found = run_command(store, "doctor", str(monday), str(tuesday), "--json")
    report: dict[str, Any] = json.loads(found.stdout)
    (difference,) = report["differences"]
    assert difference["lines"] == [f"{monday}:3", f"{tuesday}:3"]
    assert "write to Ann." in difference["changes"][0]
    assert report["unpaired"] == [f"{monday}:4"]
    assert found.exit_code == 1


def test_the_lines_of_a_tape_stay_as_they_are_when_rules_are_written(
    tmp_path: Path, store: str
) -> None:
    monday = record(tmp_path / "monday.jsonl", MONDAY)
    tuesday = record(tmp_path / "tuesday.jsonl", TUESDAY)
    before = monday.read_bytes().splitlines()
    run_command(store, "doctor", str(monday), str(tuesday), "--write")
    after = monday.read_bytes().splitlines()
    assert after[1:] == before[1:]
    assert orjson.loads(after[0]).items() > orjson.loads(before[0]).items()
    assert Tape.load(monday).header.lanes.keys() == {"Clerk"}
