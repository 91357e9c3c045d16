"""How the workflow call of a variant is put together."""

import asyncio
from dataclasses import dataclass
from typing import Any

from scenarios.inputs import integer_between
from scenarios.player.variant_run import VariantRun
from scenarios.replay.replay_server import replay_tape
from scenarios.scenario import Scenario, Variant, variant_with
from tests.support.tapes import make_tape
from workflows.model import Model


@dataclass
class Clip:
    """What no text can be: made of an input, and one a run."""

    frames: int


def clip(*, frames: int, **others: int) -> Clip:
    return Clip(frames)


async def watch(task: str, model: object, *, clip: Clip, speed: int = 1) -> dict[str, Any]:
    return {"clip": clip, "speed": speed}


def part(**settings: Any) -> VariantRun:
    inputs = {
        "frames": integer_between(10, 20, published=12),
        "rate": integer_between(1, 2, published=1),
    }
    page = Scenario(
        "mode",
        "source",
        "tests.scenarios.player.test_variant_run:watch",
        "a task",
        broken=variant_with(**settings),
        props={"clip": clip},
        inputs=inputs,
    )
    name, variant, expectations = next(page.variants())
    return VariantRun(page, name, variant, expectations, None)


class Watcher:
    """A workflow class: it returns what its constructor was given."""

    def __init__(self, model: Model, *, clip: Clip, on_chunk: Any = None) -> None:
        self.model, self.clip, self.on_chunk = model, clip, on_chunk

    async def run(self, task: str) -> dict[str, Any]:
        return {"task": task, "clip": self.clip, "model": self.model.name, "chunks": self.on_chunk}


def watched(**options: Any) -> dict[str, Any]:
    page = Scenario(
        "mode",
        "source",
        "tests.scenarios.player.test_variant_run:Watcher",
        "a task",
        broken=Variant(),
        props={"clip": clip},
        inputs={"frames": integer_between(10, 20, published=12)},
        **options,
    )
    name, variant, expectations = next(page.variants())
    variant_run = VariantRun(page, name, variant, expectations, None)
    with replay_tape(make_tape()) as replay:
        seen: dict[str, Any] = asyncio.run(variant_run.call(variant_run.workflow(), replay))
    return seen


def test_a_class_is_constructed_with_the_model_and_props_and_run_with_the_task() -> None:
    assert watched() == {"task": "a task", "clip": Clip(12), "model": "taped", "chunks": None}


def test_a_scenario_that_streams_passes_on_chunk() -> None:
    assert callable(watched(streams=True)["chunks"])


def called(played: VariantRun) -> dict[str, Any]:
    with replay_tape(make_tape()) as replay:
        seen: dict[str, Any] = asyncio.run(played.call(watch, replay))
    return seen


def test_a_prop_is_made_of_the_inputs() -> None:
    assert called(part(speed=2)) == {"clip": Clip(12), "speed": 2}


def test_a_prop_is_made_anew_for_each_run() -> None:
    played = part()
    assert called(played)["clip"] is not called(played)["clip"]


def test_a_variant_may_bring_a_prop_of_its_own() -> None:
    assert called(part(clip=Clip(3)))["clip"] == Clip(3)
