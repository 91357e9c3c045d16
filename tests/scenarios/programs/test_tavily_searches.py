"""Searches with Tavily's client, which reads no address from the environment, are on the tape."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from scenarios.programs.use_tape import use_tape
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from scenarios.testing.taped_test import tape_test
from tests.support.cli_runner import run_in_subprocess
from tests.support.forks.forking_python import forking_python
from tests.support.tapes import make_tape, service_line

PROGRAM = """
import subprocess, sys
if len(sys.argv) > 1:
    sys.exit(subprocess.run([sys.executable, sys.argv[1], *sys.argv[2:]]).returncode)
import asyncio
from tavily import AsyncTavilyClient, TavilyClient
print(TavilyClient().search("lake")["answer"])
print(asyncio.run(AsyncTavilyClient().search("river"))["answer"])
"""
ANSWERS = "deep\nlong\n"
KEY = "tvly-a-key-that-no-tape-may-contain"


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """The tape of a program whose child searches twice."""
    (tmp_path / "program.py").write_text(PROGRAM)
    lines = (service_line("tavily", "/search", {"answer": text}) for text in ("deep", "long"))
    path = tmp_path / "tape.jsonl"
    with replay_tape(make_tape(*lines)) as live:
        recorded = run_in_subprocess(
            *("record", "--tape", str(path), "--service", f"tavily={live.url}", "--"),
            *(forking_python(), str(tmp_path / "program.py"), str(tmp_path / "program.py")),
            TAVILY_API_KEY=KEY,
        )
    assert (recorded.returncode, recorded.stdout) == (0, ANSWERS), recorded.stderr
    assert "recorded 2 exchanges" in recorded.stderr
    return path


@pytest.mark.long
def test_a_child_program_is_recorded_and_replayed_without_a_key(tape: Path) -> None:
    assert Tape.load(tape).lanes == ("tavily",)
    assert KEY not in tape.read_text()
    program = str(tape.with_name("program.py"))
    replayed = run_in_subprocess("replay", str(tape), "--json", "--", forking_python(), program)
    report = json.loads(replayed.stdout)
    assert (report["exchanges"], report["refusals"], report["unplayed"]) == (2, [], [])
    assert (replayed.returncode, replayed.stderr) == (0, ANSWERS)


@pytest.mark.long
def test_a_python_script_and_a_test_are_answered(tape: Path) -> None:
    with use_tape(tape) as session:
        ended = subprocess.run(
            [forking_python(), str(tape.with_name("program.py"))],
            env=os.environ | session.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.stdout == ANSWERS, ended.stderr
    with tape_test(tape, "none", {}) as session:
        from tavily import TavilyClient  # type: ignore[import-untyped]  # it ships no annotations

        assert TavilyClient().search("lake")["answer"] == "deep"
    assert [one.path for one in session.exchanges] == ["/search"]
