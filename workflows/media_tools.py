"""The tools of a verification, made for one run: to measure its clip, note findings, look it up."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from autogen_core.tools import FunctionTool

from instrumentation.state.shared_state import SharedState
from workflows.clip import Clip
from workflows.findings import Notes, kept_together, recalled
from workflows.fingerprint import fingerprint
from workflows.lookup import Archive, Waits, until_done
from workflows.measured import Measured
from workflows.measuring import offset_ms

Start = Annotated[float, "the start of the part that is measured, in seconds"]
End = Annotated[float | None, "its end, in seconds; null is the end of the clip"]


@dataclass(frozen=True)
class Told:
    """How a measurement is told: what the tool promises, and its result with units."""

    promise: str
    result: Callable[[Any], Mapping[str, Any]]


TOLD: Mapping[str, Told] = {
    "duplicate_frames": Told(
        "Which frames show the frame before once more, though the picture moves.",
        lambda frames: {"duplicate_frames": len(frames), "at_frames": frames, "unit": "frames"},
    ),
    "dropped_frames": Told(
        "How many frames are missing, and before which frames.",
        lambda gaps: {
            "dropped_frames": sum(gaps.values()),
            "before_frames": list(gaps),
            "unit": "frames",
        },
    ),
    "flashes": Told("When the picture flashes up.", lambda times: {"flashes": times, "unit": "s"}),
    "beeps": Told("When the sound beeps.", lambda times: {"beeps": times, "unit": "s"}),
    "splice": Told(
        "When the hum beneath the sound was cut; null where it goes on as it was.",
        lambda time: {"splice": time, "unit": "s"},
    ),
}


@dataclass(frozen=True)
class Desk:
    """Where the tools of one run are made."""

    clip: Clip
    measured: Measured
    archive: Archive
    notes: Notes = kept_together
    waits: Waits = until_done
    poll_every_s: float = 0.5
    state: SharedState = field(default_factory=SharedState)

    def measure(self, agent: str, *names: str) -> list[FunctionTool]:
        """A tool for each measurement named."""
        return [self._measure(agent, name, TOLD[name]) for name in names]

    def _measure(self, agent: str, name: str, told: Told) -> FunctionTool:
        async def measure(from_s: Start = 0.0, to_s: End = None) -> str:
            found = await self.measured.get(agent, name, from_s, to_s)
            return self._said(name, told.result(found))

        return FunctionTool(measure, told.promise, name=name)

    def sound_offset(self, agent: str) -> FunctionTool:
        async def sound_offset(from_s: Start = 0.0, to_s: End = None) -> str:
            seen = await self.measured.get(agent, "flashes", from_s, to_s)
            heard = await self.measured.get(agent, "beeps", from_s, to_s)
            late_ms = offset_ms(seen, heard)
            told: dict[str, Any] = {"sound_offset": late_ms, "unit": "ms"}
            if late_ms is not None:
                told["sound"] = "late" if late_ms > 0 else "early" if late_ms else "in time"
            return self._said("sound_offset", told)

        return FunctionTool(sound_offset, "How long after its flash a beep comes.")

    def archive_matches(self) -> FunctionTool:
        async def archive_matches() -> str:
            mark = fingerprint(self.clip)
            found = await self.waits(lambda: self.archive.ask(mark), self.poll_every_s)
            return self._said("archive_matches", found.model_dump(exclude={"id"}))

        return FunctionTool(archive_matches, "Which clips of the archive look like this one.")

    def note_finding(self, author: str) -> FunctionTool:
        async def note_finding(finding: Annotated[str, "figures, each with its unit"]) -> str:
            entry = self.notes(self.state, author, finding)
            return json.dumps({"noted": finding, "under": entry.key, "version": entry.version})

        return FunctionTool(note_finding, "Note a finding for the others.")

    def recall_findings(self, reader: str) -> FunctionTool:
        async def recall_findings() -> str:
            return json.dumps(recalled(self.state, reader), ensure_ascii=False)

        # OpenAI's client takes an answer in a given shape only from models whose tools are strict.
        return FunctionTool(recall_findings, "Recall what was noted.", strict=True)

    def _said(self, tool: str, result: Mapping[str, Any]) -> str:
        """The result as the model is given it: JSON, kept as ground for what is noted later."""
        said = json.dumps(result, ensure_ascii=False)
        self.state.record_tool_result(tool, said)
        return said
