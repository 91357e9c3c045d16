"""A command whose output or arguments cannot be used ends with a sentence and its exit code."""

import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from scenarios.cli.app import main
from scenarios.player.scenario_loader import scenario_folder
from tests.support.cli_runner import run_command

NAME = "review_goes_well"
TRACE = str(scenario_folder(NAME).recorded_trace("twin"))
TAPE = str(scenario_folder(NAME).tape)
COMMANDS = (
    ("list", "--json"),
    ("check", NAME),
    ("diagnose", TRACE),
    ("governance", TRACE),
    ("diff", TRACE, TRACE),
    ("search",),
    ("--help",),
)


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["scenarios", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_behind_stdout_is_reported(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = StringIO()
    with open("/dev/full", "w") as full, redirect_stdout(full), redirect_stderr(errors):
        code = run_main(monkeypatch, *command)
    assert code == 2
    sentence = "error: stdout: No space left on device, so not all was written\n"
    assert errors.getvalue() == sentence


@pytest.mark.parametrize("command", [*COMMANDS, ("replay", TAPE, "--json", "--", "true")], ids=str)
def test_streams_that_are_closed_do_not_stop_a_command(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert run_main(monkeypatch, *command) == (1 if command[0] in ("replay", "governance") else 0)


def test_an_error_that_cannot_be_printed_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open("/dev/full", "w") as full, redirect_stderr(full):
        assert run_main(monkeypatch, "run", "nobody") == 2
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        (f"raise ValueError('the key {KEY} is invalid')", "ValueError: the key [redacted"),
    ],
)
def test_a_file_of_expectations_that_fails_is_named_without_secrets(
    source: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "expect.py").write_text(source)
    done = run_command("", "check", TRACE, "--expect", str(tmp_path / "expect.py"), "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"expect.py: {sentence}" in done.stderr
    assert KEY not in done.stderr


def test_the_saved_queries_are_also_json() -> None:
    queries = json.loads(run_command("", "search", "--json").stdout)["queries"]
    assert queries[0]["query"] == "failed"
    assert queries[0]["filter_string"] == "trace.status != 'OK'"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("serve", "review_goes_wel"), "no scenario is named 'review_goes_wel'; did you mean rev"),
        (("serve", "nothing.jsonl"), "nothing.jsonl: No such file or directory"),
        (("doctor", TAPE, TAPE), "expected two recordings, found "),
        (("convert", TAPE, "x" * 300 + ".yaml"), ".yaml: cannot be written (File name too long)"),
        (("diagnose", TRACE, "--html", "."), ".: cannot be written (it is a folder)"),
        (
            ("import-trace", TRACE, "--into", "/dev/null"),
            "/dev/null/review.jsonl: cannot be written",
        ),
        (("record", "--tape", "/dev/null", "--", "true"), "/dev/null: cannot be written (it is"),
        (("diagnose", TRACE, "--html", "/dev/null"), "it is a device or a pipe"),
        (("convert", TAPE, "/dev/null", "--to", "vcrpy", "--force"), "it is a device or a pipe"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_file_that_cannot_be_used_is_named(command: tuple[str, ...], sentence: str) -> None:
    done = run_command("", *command)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert Path("/dev/null").is_char_device()


def test_a_working_folder_that_was_removed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    errors = StringIO()
    with redirect_stderr(errors):
        code = run_main(monkeypatch, "trace", "--store", "sqlite:///mlflow.db", "app.py")
    assert (code, errors.getvalue()) == (
        2,
        "error: the current folder was removed; change to another one\n",
    )
