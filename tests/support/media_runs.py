"""Taped verifications: what the agents of a verification say, line by line, for the tests."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from instrumentation.trace.trace import Trace
from instrumentation.tracing import record_run
from scenarios.replay.faults import Fault
from tests.support.autogen_agents import (
    API_KEY,
    Line,
    load_trace,
    replay_lines,
    reply_line,
    tool_calls_line,
)
from workflows.clip_made import made
from workflows.graphflow_media import Verification, verify
from workflows.model import Model

SPECIALISTS = ("video", "audio", "sync")
AUTHENTIC = '{"verdict": "authentic", "reasons": ["[video] steady", "[audio] whole"]}'


def finding_line(agent: str, finding: str) -> Line:
    """A line of the tape: the agent notes a finding."""
    return tool_calls_line(agent, ("note_finding", {"finding": finding}))


def verdict_line(content: str = AUTHENTIC) -> Line:
    return reply_line("verdict", content)


def archive_lookup_line(state: str, looked_through: int, first: bool = False) -> Line:
    """A line of the tape: the archive says how far it has come."""
    told = {"id": "l-1", "state": state, "looked_through": looked_through, "of": 4096}
    where = {"path": "/lookups"} if first else {"path": "/lookups/l-1", "method": "GET"}
    return {"lane": "archive", "origin": "scripted", **where, "reply": {"json": told}}


def line_when(line: Line, pattern: str) -> Line:
    """The line, once the pattern stands in the prompt."""
    return line | {"when": pattern}


async def run_verification(
    tmp_path: Path, *lines: Line, faults: Iterable[Fault] = (), **settings: Any
) -> tuple[Verification, Trace]:
    """What a verification comes to, and the trace that it leaves."""
    chosen: dict[str, Any] = {"clip": made(), "poll_every_s": 0.01, "retries": 0, **settings}
    with replay_lines(tmp_path, *lines, faults=faults) as replay, record_run() as run:
        model = Model("taped", replay.base_url, API_KEY)
        ended = await verify("Is it whole?", model, archive=replay.url, **chosen)
        assert not replay.unplayed_lines
    return ended, load_trace(run)


def silence_lines(*agents: str) -> list[Line]:
    """Lines in which these agents measure nothing, and say so."""
    return [reply_line(agent, f"{agent} has nothing to say.") for agent in agents]
