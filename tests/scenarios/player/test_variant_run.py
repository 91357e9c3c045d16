"""How a variant's workflow class is constructed and run."""

import asyncio
from dataclasses import dataclass
from typing import Any

from scenarios.player.scenario_loader import load_workflow
from scenarios.player.variant_run import VariantRun
from scenarios.replay.replay_server import replay_tape
from scenarios.scenario import Scenario, Variant, integer_between
from tests.support.tapes import make_tape
from workflows.model import Model


@dataclass
class Clip:
    """An argument that is not text: made of the inputs."""

    frames: int


def make_clip(*, frames: int, **others: int) -> Clip:
    return Clip(frames)


class Watcher:
    """A workflow that returns its constructor arguments."""

    def __init__(self, model: Model, *, clip: Clip, on_chunk: Any = None) -> None:
        self.model, self.clip, self.on_chunk = model, clip, on_chunk

    async def run(self, task: str) -> dict[str, Any]:
        return {
            "class": type(self).__name__,
            "task": task,
            "model": self.model.name,
            "clip": self.clip,
            "on_chunk": self.on_chunk,
        }


class OtherWatcher(Watcher):
    """A variant."""


def make_run(variant: Variant | None = None, **options: Any) -> VariantRun:
    page = Scenario(
        "tests.scenarios.player.test_variant_run:Watcher",
        "a task",
        broken=variant or Variant(),
        arguments={"clip": make_clip},
        inputs={
            "frames": integer_between(10, 20, published=12),
            "rate": integer_between(1, 2, published=1),
        },
        **options,
    )
    return VariantRun(page, *next(page.variants()), None)


def run(variant_run: VariantRun) -> dict[str, Any]:
    workflow = load_workflow(variant_run.scenario, variant_run.variant)
    with replay_tape(make_tape()) as replay:
        result: dict[str, Any] = asyncio.run(variant_run.run(workflow, replay))
    return result


def test_the_lesson_is_constructed_with_model_and_props_and_runs_the_task() -> None:
    assert run(make_run()) == {
        "class": "Watcher",
        "task": "a task",
        "model": "taped",
        "clip": Clip(12),
        "on_chunk": None,
    }


def test_a_prop_is_made_for_each_run() -> None:
    variant_run = make_run()
    assert run(variant_run)["clip"] is not run(variant_run)["clip"]


def test_a_variant_may_be_a_class() -> None:
    assert run(make_run(Variant(OtherWatcher)))["class"] == "OtherWatcher"


def test_a_scenario_that_streams_passes_on_chunk() -> None:
    assert callable(run(make_run(streams=True))["on_chunk"])
