"""Pipes, sockets and devices in the place of a file: read if they have an end, else a sentence."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import orjson
import pytest

from instrumentation import input_file
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command
from tests.support.tapes import reply_line

TAPE = b"".join(orjson.dumps(reply_line("a", text)) + b"\n" for text in ("one", "two"))
COMMANDS = {
    "serve": ("serve", "f.jsonl"),
    "replay": ("replay", "f.jsonl", "--", "true"),
    "replay, then": ("replay", "t.jsonl", "--fork", "a:1", "--tape", "f.jsonl", "--", "true"),
    "replay, edited": ("replay", "t.jsonl", "--fork", "a:1", "--edit", "f.jsonl", "--", "true"),
    "record": ("record", "--tape", "f.jsonl", "--mode", "none", "--", "true"),
    "doctor": ("doctor", "t.jsonl", "f.jsonl"),
    "convert": ("convert", "f.jsonl", "out.yaml"),
    "alerts": ("alerts", "--table", "f.jsonl"),
    "quality-gate": ("quality-gate", "f.jsonl"),
    "diagnose": ("diagnose", "f.jsonl"),
    "diff": ("diff", "f.jsonl", "t.jsonl"),
    "import-trace": ("import-trace", "f.jsonl"),
    "check": ("check", "review_goes_well", "--trace", "f.jsonl"),
    "trace": ("trace", "f.py"),
}


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS: dict[str, Callable[[Path], None]] = {
    "a pipe": make_pipe,
    "a socket": make_socket,
    "a device": make_device,
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(input_file, "PIPE_TIMEOUT_S", 0.1)
    (tmp_path / "t.jsonl").write_bytes(TAPE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_regular_one_is_named_and_not_waited_for(
    command: str, kind: str, store: str, tmp_path: Path
) -> None:
    name = "f.py" if command == "trace" else "f.jsonl"
    KINDS[kind](tmp_path / name)
    ended = run_command(store, *COMMANDS[command])
    assert ended.exit_code == 2
    assert f"{name}: " in ended.stderr
    assert f"it is {kind}" in ended.stderr
    assert ended.stderr.startswith("error: ")


@pytest.mark.parametrize("name", ["f.jsonl", "x" * 300], ids=["link to itself", "too long"])
@pytest.mark.parametrize(
    "arguments", [("doctor", "@", "t.jsonl"), ("serve", "@"), ("monitor", "--expect", "@")]
)
def test_a_name_that_cannot_be_a_file_is_named(
    arguments: tuple[str, ...], name: str, store: str
) -> None:
    Path("f.jsonl").symlink_to("f.jsonl")
    ended = run_command(store, *(name if part == "@" else part for part in arguments))
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert name[:60] in ended.stderr
    assert len(ended.stderr) < 700


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_no_regular_file_is_named(kind: str, tmp_path: Path) -> None:
    KINDS[kind](tmp_path / "f.db")
    ended = run_command("sqlite:///f.db", "alerts")
    assert ended.exit_code == 2
    assert "f.db exists and is not a SQLite database" in ended.stderr


def write_slowly(path: Path | str | int, pause_s: float) -> Thread:
    """Write the tape to a pipe in two halves."""

    def write() -> None:
        with open(path, "wb", buffering=0) as pipe:
            for part in (TAPE[:50], TAPE[50:]):
                time.sleep(pause_s)
                pipe.write(part)

    thread = Thread(target=write)
    thread.start()
    return thread


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    make_pipe(tmp_path / "f.jsonl")
    writer = write_slowly(tmp_path / "f.jsonl", pause_s=0.3)  # longer than the time to open it
    assert len(Tape.load("f.jsonl").lines) == 2
    writer.join(10)


def test_the_pipe_of_a_process_substitution_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    writer = write_slowly(writing, pause_s=0.3)
    assert len(Tape.load(f"/dev/fd/{reading}").lines) == 2
    writer.join(10)
    os.close(reading)


@pytest.mark.long
@pytest.mark.parametrize("source", ["<(cat t.jsonl)", "/dev/stdin < copy.jsonl", "/dev/stdin"])
def test_a_shell_can_give_a_tape_without_a_file(source: str) -> None:
    Path("copy.jsonl").write_bytes(TAPE)
    root = Path(__file__).parents[3]
    command = f"cat t.jsonl | {sys.executable} -m scenarios doctor t.jsonl {source}"
    ended = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
