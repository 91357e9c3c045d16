"""The commands `record` and `replay`: exit codes, reports, Ctrl-C, and what cannot be recorded."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command, run_in_subprocess
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import reply_line

ASK_AND_EXIT = """
import openai, sys
chat = {"model": "m", "messages": [{"role": "user", "content": "go"}]}
print(openai.OpenAI().chat.completions.create(**chat).choices[0].message.content)
sys.exit(int(sys.argv[1]))
"""
PROGRAM = ("--", sys.executable, "-c", ASK_AND_EXIT)
ASK_AND_WAIT = """
import openai, time
client = openai.OpenAI()
chat = {"model": "m", "messages": [{"role": "user", "content": "go"}]}
print(client.chat.completions.create(**chat).choices[0].message.content, flush=True)
time.sleep(60)
"""


@pytest.mark.long
def test_record_and_replay_pass_the_exit_code_of_the_program_through(tmp_path: Path) -> None:
    path = str(tmp_path / "tape.jsonl")
    key = {"OPENAI_API_KEY": "sk-unused"}
    with live_endpoint(reply_line("x", "All is well.")) as live:
        record = ("record", "--tape", path, "--upstream", live.base_url, *PROGRAM)
        recorded = run_in_subprocess(*record, "0", **key)
    assert (recorded.returncode, recorded.stdout) == (0, "All is well.\n")
    assert recorded.stderr.endswith(f"recorded 1 exchange on {path}\n")
    replayed = run_in_subprocess("replay", path, "--json", *PROGRAM, "3", **key)
    assert replayed.returncode == 3
    assert replayed.stderr == "All is well.\n"
    assert json.loads(replayed.stdout) == {
        "tape": path,
        "mode": "none",
        "exit_code": 3,
        "exchanges": 1,
        "recorded": 0,
        "recorded_in": None,
        "uncaptured": [],
        "refusals": [],
        "drift": [],
        "unplayed": [],
        "other_connections": [],
    }


def record_one(path: Path, store: str, *program: str) -> Any:
    with live_endpoint(reply_line("x", "good day")) as live:
        upstream = ("--upstream", live.base_url)
        return run_command(store, "record", "--tape", str(path), *upstream, "--", *program)


def test_replay_fails_if_lines_are_not_played(tmp_path: Path, store: str) -> None:
    path = tmp_path / "tape.jsonl"
    ask = ASK_AND_WAIT.replace("time.sleep(60)", "")
    record_one(path, store, "env", "OPENAI_API_KEY=x", sys.executable, "-c", ask)
    assert len(Tape.load(path).lines) == 1
    replayed = run_command(store, "replay", str(path), "--", sys.executable, "-c", "print(1)")
    assert replayed.exit_code == 1
    assert "0 exchanges, 0 refused, 0 drifted, 1 line unplayed" in replayed.stderr
    assert f"unplayed: {path}:2 [agent-1] as recorded" in replayed.stderr


def test_a_program_that_asks_nothing_leaves_no_tape_and_a_hint(tmp_path: Path, store: str) -> None:
    path = tmp_path / "tape.jsonl"
    ended = record_one(path, store, sys.executable, "-c", "pass")
    assert ended.exit_code == 0
    assert "nothing was recorded" in ended.stderr
    assert "OPENAI_BASE_URL" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_connections_that_go_around_the_proxy_are_listed(tmp_path: Path, store: str) -> None:
    with live_endpoint() as elsewhere:
        connect = (
            "import socket, subprocess, sys, time\n"
            f"around = socket.create_connection(('127.0.0.1', {elsewhere.port}))\n"
            "time.sleep(1.5)"
        )
        child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {connect!r}])"
        ended = record_one(tmp_path / "tape.jsonl", store, sys.executable, "-c", child)
    assert f"also connected to 127.0.0.1:{elsewhere.port}: what it asked" in ended.stderr


def test_a_failed_program_does_not_replace_the_tape(tmp_path: Path, store: str) -> None:
    path = tmp_path / "tape.jsonl"
    ask = ASK_AND_WAIT.replace("time.sleep(60)", "raise SystemExit(4)")
    program = ("env", "OPENAI_API_KEY=x", sys.executable, "-c", ask)
    record_one(path, store, *program)
    before = path.read_bytes()
    with live_endpoint(reply_line("x", "good night")) as live:
        ended = run_command(
            store, "record", "--mode", "all", "--tape", str(path), "--upstream", live.base_url,
            "--", *program,
        )  # fmt: skip
    assert ended.exit_code == 4
    assert path.read_bytes() == before
    (partial,) = tmp_path.glob("*.partial")
    assert f"mv {partial} {path}" in ended.stderr
    assert "good night" in partial.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("record", "--tape", "{}", "--", "no-such-program"), "cannot be started (No such file"),
        (("record", "--tape", "{}", "--mode", "twice"), "--mode expects one of none, once"),
        (("record", "--tape", "{}", "--service", "x"), "--service expects NAME=URL"),
        (("record", "--tape", "/dev/null/x.jsonl", "--", "true"), "cannot be written"),
        (("replay", "{}", "--", "true"), "there is no such tape"),
        (("replay", "{}"), "a program is missing"),
        (("doctor", "{}", "other.jsonl"), "No such file or directory"),
    ],
)
def test_a_command_that_cannot_run_says_why(
    arguments: tuple[str, ...], message: str, tmp_path: Path, store: str
) -> None:
    path = str(tmp_path / "tape.jsonl")
    ended = run_command(store, *(one.format(path) for one in arguments))
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.replace("│", " ").split())
    assert not Path(path).exists()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_program_leaves_a_valid_tape(number: int, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with live_endpoint(reply_line("x", "good day")) as live:
        command = [sys.executable, "-m", "scenarios", "record", "--tape", str(path)]
        command += ["--upstream", live.base_url, "--", sys.executable, "-c", ASK_AND_WAIT]
        environment = os.environ | {"OPENAI_API_KEY": "x"}
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == "good day\n"
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"recorded 1 exchange on {path}" in errors
    assert len(Tape.load(path).lines) == 1


@pytest.mark.long
def test_a_proxy_in_a_terminal_records_several_programs_until_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    ask = ASK_AND_WAIT.replace("time.sleep(60)", "")
    with live_endpoint(*[reply_line("x", "good day")] * 2) as live:
        command = [sys.executable, "-m", "scenarios", "record", "--tape", str(path)]
        with subprocess.Popen(
            [*command, "--upstream", live.base_url], stdout=-1, stderr=-1, text=True
        ) as process:
            assert process.stdout
            variables = dict(
                process.stdout.readline().strip().removeprefix("export ").split("=", 1)
                for _ in range(3)
            )
            environment = os.environ | variables | {"OPENAI_API_KEY": "x"}
            programs = [
                subprocess.Popen([sys.executable, "-c", ask], env=environment) for _ in range(2)
            ]
            assert [program.wait(60) for program in programs] == [0, 0]
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"recorded 2 exchanges on {path}" in errors
    assert len(Tape.load(path).lines) == 2
