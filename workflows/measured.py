"""What is measured: of one clip, in one run, each measurement made once for all who ask for it."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mlflow

from workflows import measuring
from workflows.clip import Clip

MEASUREMENTS: Mapping[str, Callable[[Clip], Any]] = {
    "duplicate_frames": measuring.duplicate_frames,
    "dropped_frames": measuring.dropped_frames,
    "flashes": measuring.flashes,
    "beeps": measuring.beeps,
    "splice": measuring.splice,
}

SHARED = "flight_recorder.measurement.shared"
"""The attribute of a tool call that names what it needed and others had asked for already."""


@dataclass(frozen=True)
class Asked:
    """Who wants what measured, of which part of the clip: from when to when, in seconds."""

    agent: str
    measurement: str
    from_s: float
    to_s: float


def whoever_asks(asked: Asked) -> Hashable:
    """Two requests are for one measurement if they are for the same of the same part."""
    return asked.measurement, asked.from_s, asked.to_s


@dataclass(frozen=True)
class Measured:
    """Each measurement that is under way or done, by what `same` makes of the request for it."""

    clip: Clip
    same: Callable[[Asked], Hashable] = whoever_asks
    _made: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)

    async def get(self, agent: str, measurement: str, from_s: float, to_s: float | None) -> Any:
        """The measurement of a part of the clip, made now or already. Raises `ValueError` where
        nothing lies between the two times. What was shared stands in the current span."""
        to_s = self.clip.seconds if to_s is None else min(to_s, self.clip.seconds)
        asked = Asked(agent, measurement, from_s, to_s)
        key = self.same(asked)
        if key not in self._made:
            self._made[key] = asyncio.create_task(asyncio.to_thread(self._make, asked))
        elif span := mlflow.get_current_active_span():
            shared = [*(span.get_attribute(SHARED) or ()), measurement]
            span.set_attribute(SHARED, shared)
        return await asyncio.shield(self._made[key])

    def _make(self, asked: Asked) -> Any:
        with mlflow.start_span(f"measure {asked.measurement}", span_type="MEASUREMENT") as span:
            span.set_inputs({"from_s": asked.from_s, "to_s": asked.to_s})
            part = self.clip.between(asked.from_s, asked.to_s)
            span.set_attribute("flight_recorder.measurement.frames", len(part.frames))
            result = MEASUREMENTS[asked.measurement](part)
            span.set_outputs(result)
        return result
