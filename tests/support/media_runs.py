"""Run the media verification on lines of a tape, and write such lines."""

from collections.abc import Iterable
from pathlib import Path

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
from workflows.graphflow_media import MediaVerification, Verification
from workflows.model import Model
from workflows.support.clients.autogen import OnChunk
from workflows.support.media.clip import Clip
from workflows.support.media.synthetic_clip import make_clip

SPECIALISTS = ("video", "audio", "sync")
AUTHENTIC = '{"verdict": "authentic", "reasons": ["[video] steady", "[audio] whole"]}'


class QuickVerification(MediaVerification):
    """The lesson, with polls in quick succession: a tape answers at once."""

    poll_interval_s = 0.01


async def run_verification(
    tmp_path: Path,
    *lines: Line,
    workflow: type[MediaVerification] = QuickVerification,
    clip: Clip | None = None,
    on_chunk: OnChunk = None,
    faults: Iterable[Fault] = (),
) -> tuple[Verification, Trace]:
    """Verify a clip, a flawless one by default; return the result and the trace."""
    with replay_lines(tmp_path, *lines, faults=faults) as replay, record_run() as run:
        model = Model("taped", replay.base_url, API_KEY, max_retries=0)
        verification = workflow(
            model, clip=clip or make_clip(), archive=replay.url, on_chunk=on_chunk
        )
        result = await verification.run("Is it whole?")
        assert not replay.unplayed_lines
    return result, load_trace(run)


def finding_line(agent: str, finding: str) -> Line:
    """A line of the tape: the agent notes a finding."""
    return tool_calls_line(agent, ("note_finding", {"finding": finding}))


def verdict_line(content: str = AUTHENTIC) -> Line:
    return reply_line("verdict", content)


def archive_lookup_line(state: str, looked_through: int, first: bool = False) -> Line:
    """A line of the tape: the archive reports the progress of a lookup."""
    progress = {"id": "l-1", "state": state, "looked_through": looked_through, "of": 4096}
    request = {"path": "/lookups"} if first else {"path": "/lookups/l-1", "method": "GET"}
    return {"lane": "archive", "origin": "scripted", **request, "reply": {"json": progress}}


def line_when(line: Line, pattern: str) -> Line:
    """The line, if the pattern is found in the prompt."""
    return line | {"when": pattern}


def silence_lines(*agents: str) -> list[Line]:
    """Lines in which these agents end their turns without a measurement."""
    return [reply_line(agent, f"{agent} has nothing to say.") for agent in agents]
