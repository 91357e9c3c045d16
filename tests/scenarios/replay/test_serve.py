"""`serve` prints its address, answers any client, and ends on Ctrl-C."""

import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import MODEL, make_tape, reply_line, user_message

SERVE_PROGRAM = """
from pathlib import Path
from scenarios.replay.serve import serve_tape
serve_tape(Path({!r}), {}, {})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    lines = [reply_line("a", "x"), reply_line("b", "y")]
    (tmp_path / "tape.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return tmp_path / "tape.jsonl"


@contextmanager
def serve_in_subprocess(path: Path, port: int = 0) -> Generator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", SERVE_PROGRAM.format(str(path), port, True)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until_match(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Read lines until one matches; return its first group."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"it ended without a line that matches {pattern!r}")


def test_it_prints_its_address_and_ends_on_ctrl_c_with_a_summary(path: Path) -> None:
    with serve_in_subprocess(path) as process:
        base_url = read_until_match(process, r"OPENAI_BASE_URL=(\S+)")
        chat = {"model": MODEL, "messages": user_message("hello")}
        url, headers = f"{base_url}/chat/completions", {"x-agent-name": "a"}
        answer = httpx.post(url, json=chat, headers=headers)
        assert answer.json()["choices"][0]["message"]["content"] == "x"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)
    assert "1 exchanges, 0 of them refused" in out
    assert f"unplayed: {path}:2 [b] (always)" in out
    assert err == ""
    assert process.returncode == 0


def test_a_port_in_use_is_reported_with_exit_code_2(path: Path) -> None:
    with (
        replay_tape(make_tape(reply_line("a", "x"))) as taken,
        serve_in_subprocess(path, taken.port) as process,
    ):
        _, err = process.communicate(timeout=10)
    assert f"port {taken.port}: Address already in use. Choose another port" in err
    assert process.returncode == 2
