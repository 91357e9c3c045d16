"""One agent alone, with tools."""

from typing import Any

from integrations.programs.autogen.building_blocks import assistant
from integrations.programs.autogen.gauge_tool import Gauge
from integrations.programs.case_context import World

TASK = "How is it up on the pass?"


async def agent_with_tool(world: World) -> str:
    """As it comes: what the tool answers is what the agent answers."""
    return await _asked(world)


async def reflect_on(world: World) -> str:
    """The model is asked once more, with the tool's answer before it."""
    return await _asked(world, reflect_on_tool_use=True)


async def reflect_off(world: World) -> str:
    """The agent answers in words of its own around the tool's."""
    words = "The gauge says: {result}"
    return await _asked(world, reflect_on_tool_use=False, tool_call_summary_format=words)


async def tool_loop(world: World) -> str:
    """The model may ask for tools again, until it has enough."""
    return await _asked(world, max_tool_iterations=3)


async def parallel_tools(world: World) -> str:
    """Two tools in one reply, plain functions, which AutoGen runs at once, each in a thread."""

    def snow(place: str) -> str:
        """How deep the snow lies."""
        world.ran("warden", "snow")
        return f"{place}: 40 cm"

    def wind(place: str) -> str:
        """How hard the wind blows."""
        world.ran("warden", "wind")
        return f"{place}: 60 km/h"

    warden = assistant(world, "warden", tools=[snow, wind], reflect_on_tool_use=True)
    return str((await warden.run(task=TASK)).messages[-1])


async def _asked(world: World, **settings: Any) -> str:
    """The last message of a warden who has a gauge."""
    gauge = Gauge(world, "warden", "snow", "40 cm")
    warden = assistant(world, "warden", tools=[gauge], **settings)
    return str((await warden.run(task=TASK)).messages[-1])
