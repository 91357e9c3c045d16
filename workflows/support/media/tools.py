"""The tools of one verification run: they measure its clip, share findings, and use the archive."""

import asyncio
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import mlflow
from autogen_core.tools import FunctionTool
from httpx import AsyncClient

from instrumentation import SharedState, StaleWriteError, StateEntry
from workflows.support.media import measurements
from workflows.support.media.archive import ArchiveLookup
from workflows.support.media.clip import Clip

SHARED_MEASUREMENTS_ATTRIBUTE = "flight_recorder.measurement.shared"
"""The attribute of a tool call that lists the measurements that it took over from other calls."""

MEASUREMENTS: Mapping[str, Callable[[Clip], Any]] = {
    "duplicate_frames": measurements.find_duplicate_frames,
    "dropped_frames": measurements.count_dropped_frames,
    "flashes": measurements.find_flashes,
    "beeps": measurements.find_beeps,
    "splice": measurements.find_splice,
}
Start = Annotated[float, "the start of the part that is measured, in seconds"]
End = Annotated[float | None, "its end, in seconds; null is the end of the clip"]
Finding = Annotated[str, "figures, each with its unit"]
MeasurementKey = Callable[[str, str, float, float], Hashable]
"""Called with agent, measurement, start and end: equal keys mean one and the same measurement."""


@dataclass(frozen=True)
class MeasurementTool:
    """A tool whose result is made of measurements.

    Attributes:
        needs: The names of the measurements that it makes.
        to_json: Called with their results; returns the tool's result, with units.
    """

    needs: tuple[str, ...]
    description: str
    to_json: Callable[..., Mapping[str, Any]]


def offset_to_json(flashes: Sequence[float], beeps: Sequence[float]) -> Mapping[str, Any]:
    late_ms = measurements.measure_sound_offset_ms(flashes, beeps)
    if late_ms is None:
        return {"sound_offset": None, "unit": "ms"}
    sound = "late" if late_ms > 0 else "early" if late_ms else "in time"
    return {"sound_offset": late_ms, "unit": "ms", "sound": sound}


MEASUREMENT_TOOLS: Mapping[str, MeasurementTool] = {
    "duplicate_frames": MeasurementTool(
        ("duplicate_frames",),
        "Which frames show the frame before once more, though the picture moves.",
        lambda frames: {"duplicate_frames": len(frames), "at_frames": frames, "unit": "frames"},
    ),
    "dropped_frames": MeasurementTool(
        ("dropped_frames",),
        "How many frames are missing, and before which frames.",
        lambda gaps: {
            "dropped_frames": sum(gaps.values()),
            "before_frames": list(gaps),
            "unit": "frames",
        },
    ),
    "flashes": MeasurementTool(
        ("flashes",),
        "When the picture flashes up.",
        lambda times: {"flashes": times, "unit": "s"},
    ),
    "beeps": MeasurementTool(
        ("beeps",),
        "When the sound beeps.",
        lambda times: {"beeps": times, "unit": "s"},
    ),
    "splice": MeasurementTool(
        ("splice",),
        "When the hum beneath the sound was cut; null where it goes on as it was.",
        lambda time: {"splice": time, "unit": "s"},
    ),
    "sound_offset": MeasurementTool(
        ("flashes", "beeps"),
        "How long after its flash a beep comes.",
        offset_to_json,
    ),
}


class MediaTools:
    """The clip, the archive and the shared findings of one run, and tools that use them."""

    def __init__(self, clip: Clip, http: AsyncClient, archive: str, key: MeasurementKey) -> None:
        self.clip, self._key = clip, key
        self.lookup = ArchiveLookup(http, archive, clip)
        self.state = SharedState()
        self._measurements: dict[Hashable, asyncio.Task[Any]] = {}

    def create_measurement_tools(self, agent: str, *names: str) -> list[FunctionTool]:
        """Create measurement tools for one agent."""
        return [self._create_tool(agent, name, MEASUREMENT_TOOLS[name]) for name in names]

    def create_recall_tool(self, reader: str) -> FunctionTool:
        """Create a tool that returns the findings under each key of the shared state."""

        async def recall_findings() -> str:
            keys = self.state.written_keys()
            findings = {key: self.state.read(key, reader=reader).value for key in keys}
            return json.dumps(findings, ensure_ascii=False)

        # OpenAI's client accepts a structured answer only from models whose tools are strict.
        return FunctionTool(recall_findings, "Recall what was noted.", strict=True)

    def append_finding(self, author: str, finding: str) -> StateEntry:
        """Add a finding to the one list that all agents share, by compare-and-set.

        If another agent writes between the read and the write, both are repeated.
        """
        while True:
            has_findings = bool(self.state.history("findings"))
            others = self.state.read("findings", reader=author) if has_findings else None
            try:
                return self.state.write(
                    "findings",
                    [*(others.value if others else ()), f"[{author}] {finding}"],
                    author=author,
                    expected_version=others.version if others else 0,
                )
            except StaleWriteError:
                continue

    def acknowledge_finding(self, finding: str, entry: StateEntry) -> str:
        """Write the reply to the agent that noted a finding."""
        return json.dumps({"noted": finding, "under": entry.key, "version": entry.version})

    def record_result(self, tool: str, result: Mapping[str, Any]) -> str:
        """Write a tool's result as JSON for the model, and record it as evidence for findings."""
        text = json.dumps(result, ensure_ascii=False)
        self.state.record_tool_result(tool, text)
        return text

    def _create_tool(self, agent: str, name: str, tool: MeasurementTool) -> FunctionTool:
        async def measure(from_s: Start = 0.0, to_s: End = None) -> str:
            results = [await self._measure(agent, need, from_s, to_s) for need in tool.needs]
            return self.record_result(name, tool.to_json(*results))

        return FunctionTool(measure, tool.description, name=name)

    async def _measure(self, agent: str, name: str, from_s: float, to_s: float | None) -> Any:
        """Measure a part of the clip, or share a measurement that was made or is being made.

        Raises `ValueError` if the part is empty, `NotMeasurableError` if it lacks what is measured.
        """
        to_s = self.clip.seconds if to_s is None else min(to_s, self.clip.seconds)
        key = self._key(agent, name, from_s, to_s)
        if key not in self._measurements:
            measuring = asyncio.to_thread(measure_part, self.clip, name, from_s, to_s)
            self._measurements[key] = asyncio.create_task(measuring)
        elif span := mlflow.get_current_active_span():
            shared = [*(span.get_attribute(SHARED_MEASUREMENTS_ATTRIBUTE) or ()), name]
            span.set_attribute(SHARED_MEASUREMENTS_ATTRIBUTE, shared)
        return await asyncio.shield(self._measurements[key])


def measure_part(clip: Clip, name: str, from_s: float, to_s: float) -> Any:
    """Measure a part of a clip, in a span of its own."""
    with mlflow.start_span(f"measure {name}", span_type="MEASUREMENT") as span:
        span.set_inputs({"from_s": from_s, "to_s": to_s})
        part = clip.between(from_s, to_s)
        span.set_attribute("flight_recorder.measurement.frames", len(part.frames))
        result = MEASUREMENTS[name](part)
        span.set_outputs(result)
    return result
