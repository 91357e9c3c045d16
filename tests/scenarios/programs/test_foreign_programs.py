"""Programs of others are recorded, and replayed after a prompt was changed."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scenarios.programs.tape_session import TapeSession, use_tape
from scenarios.tape.tape import Tape
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import reply_line

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parent / "foreign"
KEY = "sk-proj-a-key-that-no-tape-may-contain"


@dataclass(frozen=True)
class ForeignProgram:
    """A program, what its live endpoint answers, and what it prints.

    `lanes` are on its tape; `severity` is that of the drift when a word of a prompt changes: an
    agent without a name is recognised by the beginning of its prompt.
    """

    command: tuple[str, ...]
    lines: tuple[dict[str, Any], ...]
    output: str
    lanes: tuple[str, ...]
    severity: str = "agent"

    def run(self, session: TapeSession, style: str, folder: Path) -> str:
        """Run it with another style in a prompt; return what it prints."""
        ended = subprocess.run(
            [*self.command, style, "0"],
            env=os.environ | {"OPENAI_API_KEY": KEY, "HOME": str(folder)} | session.environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip().splitlines()[-1]


def tool_line(when: str, name: str, **arguments: str) -> dict[str, Any]:
    return reply_line("x", None, when, tool_calls=[{"name": name, "arguments": arguments}])


CREWAI_FLOW = ForeignProgram(
    (sys.executable, str(FOLDER / "crewai_flow.py")),
    (
        tool_line("system: You are Researcher", "road_report", road="The pass"),
        reply_line("x", "It is open from May.", "tool road_report: The pass is open from May"),
        reply_line("x", "Come in May!", "(?s)system: You are Writer.*open from May"),
    ),
    "Come in May!",
    ("Researcher", "Writer"),
    "text",
)
AUTOGEN_SWARM = ForeignProgram(
    (sys.executable, str(FOLDER / "autogen_swarm.py")),
    (
        tool_line("You are a triage agent", "transfer_to_refunds"),
        tool_line("(?s)Refund flights.*flight 507", "refund", number="507"),
        reply_line("x", "Done. TERMINATE", "507 is refunded"),
    ),
    "Done. TERMINATE",
    ("triage agent", "agent-1"),
)
THREADS = ForeignProgram(
    (sys.executable, str(FOLDER / "threads.py")),
    (
        *[reply_line("x", "${n} is fine", r"Chapter (?P<n>\w+)$")] * 4,
        *[reply_line("x", "${n}: ok", r"Shorten: (?P<n>\w+) is fine")] * 4,
        reply_line("x", "All is well.", "one: ok\ntwo: ok\nthree: ok\nfour: ok"),
    ),
    "All is well.",
    ("agent-1", "Editor"),
)
NODE_SCRIPT = ForeignProgram(
    ("node", str(FOLDER / "fetch.mjs")),
    (reply_line("x", "bonjour", "French"), reply_line("x", "buenos días", "Spanish")),
    "bonjour, buenos días",
    ("agent-1", "agent-2"),
)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(CREWAI_FLOW, id="crewai flow"),
        pytest.param(AUTOGEN_SWARM, id="autogen swarm"),
        pytest.param(THREADS, id="openai with threads"),
        pytest.param(
            NODE_SCRIPT,
            id="node",
            marks=pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js"),
        ),
    ],
)
def test_a_foreign_program_replays_strictly_and_with_a_changed_prompt_tolerantly(
    program: ForeignProgram, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        live_endpoint(*program.lines) as live,
        use_tape(path, "all", live.base_url) as recording,
    ):
        assert program.run(recording, "Be brief.", tmp_path) == program.output
    assert (live.unplayed_lines, recording.uncaptured) == ((), ())
    assert set(Tape.load(path).lanes) == set(program.lanes)
    assert KEY not in path.read_text()
    with use_tape(path) as strict:
        assert program.run(strict, "Be brief.", tmp_path) == program.output
    assert (strict.refusals, strict.unplayed_lines) == ((), ())
    with use_tape(path, tolerant=True) as tolerant:
        assert program.run(tolerant, "Be brief and kind.", tmp_path) == program.output
    assert (tolerant.refusals, tolerant.unplayed_lines) == ((), ())
    assert {one.severity for one in tolerant.drift} == {program.severity}
    assert "Be brief and kind." in str(tolerant.drift[0])
