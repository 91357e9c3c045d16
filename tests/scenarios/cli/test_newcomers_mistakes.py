"""What a newcomer does wrong gets a sentence that helps, and leaves nothing behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from scenarios.recording.partial_tape import PartialTape
from tests.support.cli_runner import CommandResult, run_command, run_in_subprocess
from tests.support.forks.forking_python import forking_python
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import reply_line

ASK = """
import sys, openai
client = openai.OpenAI(api_key="x", max_retries=0)
chat = {"model": "m", "messages": [{"role": "user", "content": sys.argv[1]}]}
try:
    print(client.chat.completions.create(**chat).choices[0].message.content)
except openai.UnprocessableEntityError:
    print("refused")
"""


def ask(text: str) -> tuple[str, ...]:
    """A program that asks a model, and ends well even if it is refused."""
    return "--", forking_python(), "-c", ASK, text


def record(path: Path, text: str, *options: str) -> CommandResult:
    with live_endpoint(reply_line("x", "good day")) as live:
        upstream = ("--upstream", live.base_url)
        return run_command("", "record", "--tape", str(path), *upstream, *options, *ask(text))


@pytest.mark.long
@pytest.mark.parametrize("mode", ["once", "none"])
def test_a_changed_prompt_on_an_existing_tape_fails_and_names_the_modes(
    mode: str, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    assert record(path, "hello").exit_code == 0
    again = record(path, "goodbye", "--mode", mode)
    assert again.exit_code == 1
    assert f"replaying {path} on http://127.0.0.1:" in again.stderr
    assert "recording on" not in again.stderr
    assert "1 exchange, 1 refused, 1 drifted" not in again.stderr
    assert ("to add what it lacks: --mode new_episodes" in again.stderr) == (mode == "once")


@pytest.mark.long
def test_a_repeated_record_says_that_the_tape_was_replayed(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    record(path, "hello")
    again = record(path, "hello")
    assert again.exit_code == 0
    assert f"{path}: 1 exchange, 0 refused, 0 drifted, 0 lines unplayed" in again.stderr
    assert f"{path} existed, so it was replayed; to record again: --mode all" in again.stderr


@pytest.mark.long
def test_the_replay_of_an_empty_tape_fails(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    path.touch()
    ended = run_command("", "replay", str(path), "--", forking_python(), "-c", "pass")
    assert ended.exit_code == 1
    assert "the tape has no lines and nothing was requested" in ended.stderr


def test_nothing_is_converted_to_no_file(tmp_path: Path) -> None:
    source, target = tmp_path / "tape.jsonl", tmp_path / "crew.yaml"
    source.touch()
    ended = run_command("", "convert", str(source), str(target))
    assert (ended.exit_code, target.exists()) == (1, False)
    assert f"{source}: nothing to convert, so {target} was not written" in ended.stdout
    report = run_command("", "convert", str(source), str(target), "--json")
    assert json.loads(report.stdout)["target"] is None


def test_a_recording_without_exchanges_leaves_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "tape.jsonl"
    ended = run_command("", "record", "--tape", str(path), "--", "no-such-program")
    assert ended.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_that_others_use_stays(tmp_path: Path) -> None:
    partial = PartialTape(tmp_path / "new" / "tape.jsonl", extends=False)
    (tmp_path / "new" / "notes.txt").touch()
    partial.finish(succeeded=True, recorded=0)
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["notes.txt"]


@pytest.mark.long
def test_the_json_of_a_replay_is_alone_on_stdout(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    record(path, "hello")
    ended = run_in_subprocess("replay", str(path), "--json", *ask("hello"))
    report: dict[str, Any] = json.loads(ended.stdout)
    assert (report["exchanges"], report["refusals"]) == (1, [])
    assert ended.stderr == "good day\n"


@pytest.mark.parametrize(
    "command",
    [
        ("diagnose", "{}"),
        ("diff", "{}", "{}"),
        ("import-trace", "{}"),
        ("check", "review_goes_well", "--trace", "{}"),
    ],
    ids=lambda command: command[0],
)
def test_a_folder_instead_of_a_file_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run_command("", *(one.format(tmp_path) for one in command))
    assert ended.exit_code == 2
    assert f"{tmp_path}: it is a folder; expected a" in ended.stderr


def test_a_binary_file_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    ended = run_command("", "diagnose", str(path))
    assert ended.exit_code == 2
    assert f"{path}: it is not a text file: byte 0 is not UTF-8" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("diagnose", "last"),
        ("diagnose", "--experiment", "x"),
        ("diff", "tr-0", "tr-1"),
        ("import-trace", "tr-0"),
        ("check", "review_goes_well", "--trace", "tr-0"),
        ("alerts",),
        ("search", "failed"),
    ],
    ids=" ".join,
)
def test_a_store_that_is_only_read_is_not_created(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run_command(f"sqlite:///{tmp_path}/mlflow.db", *command)
    assert ended.exit_code == 2
    assert f"there is no database {tmp_path}/mlflow.db yet" in ended.stderr
    assert "python -m scenarios trace PROGRAM" in ended.stderr
    assert list(tmp_path.iterdir()) == []
