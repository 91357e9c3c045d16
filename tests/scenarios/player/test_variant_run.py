"""A part: how a variant's call of its workflow is put together."""

import asyncio
from dataclasses import dataclass
from typing import Any

from scenarios.inputs import integer_between
from scenarios.player.variant_run import VariantRun
from scenarios.replay.replay_server import replay_tape
from scenarios.scenario import Scenario, variant_with
from tests.support.tapes import make_tape


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
