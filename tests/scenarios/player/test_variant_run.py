"""A part: how a variant's call of its workflow is put together."""

import asyncio
from dataclasses import dataclass
from typing import Any

from scenarios.inputs import whole
from scenarios.player.variant_run import Part
from scenarios.replay.replay_server import replayed
from scenarios.scenario import Scenario, given
from tests.support.tapes import tape


@dataclass
class Clip:
    """What no text can be: made of an input, and one a run."""

    frames: int


def clip(*, frames: int, **others: int) -> Clip:
    return Clip(frames)


async def watch(task: str, model: object, *, clip: Clip, speed: int = 1) -> dict[str, Any]:
    return {"clip": clip, "speed": speed}


def part(**settings: Any) -> Part:
    inputs = {
        "frames": whole(10, 20, published=12),
        "rate": whole(1, 2, published=1),
    }
    page = Scenario(
        "mode",
        "source",
        "tests.scenarios.player.test_variant_run:watch",
        "a task",
        broken=given(**settings),
        props={"clip": clip},
        inputs=inputs,
    )
    name, variant, expectations = next(page.variants())
    return Part(page, name, variant, expectations, None)


def called(played: Part) -> dict[str, Any]:
    with replayed(tape()) as replay:
        seen: dict[str, Any] = asyncio.run(played.call(watch, replay))
    return seen


def test_a_prop_is_made_of_the_inputs() -> None:
    assert called(part(speed=2)) == {"clip": Clip(12), "speed": 2}


def test_a_prop_is_made_anew_for_each_run() -> None:
    played = part()
    assert called(played)["clip"] is not called(played)["clip"]


def test_a_variant_may_bring_a_prop_of_its_own() -> None:
    assert called(part(clip=Clip(3)))["clip"] == Clip(3)
