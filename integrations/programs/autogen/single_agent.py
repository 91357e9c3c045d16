"""One agent alone, with tools."""

from typing import Any

from integrations.programs.autogen.building_blocks import make_assistant
from integrations.programs.autogen.gauge_tool import GaugeTool
from integrations.programs.case_context import CaseContext

TASK = "How is it up on the pass?"


async def agent_with_tool(world: CaseContext) -> str:
    """As it comes: what the tool answers is what the agent answers."""
    return await _run_warden(world)


async def reflect_on(world: CaseContext) -> str:
    """The model is asked once more, with the tool's answer before it."""
    return await _run_warden(world, reflect_on_tool_use=True)


async def reflect_off(world: CaseContext) -> str:
    """The agent answers in words of its own around the tool's."""
    words = "The gauge says: {result}"
    return await _run_warden(world, reflect_on_tool_use=False, tool_call_summary_format=words)


async def tool_loop(world: CaseContext) -> str:
    """The model may ask for tools again, until it has enough."""
    return await _run_warden(world, max_tool_iterations=3)


async def parallel_tools(world: CaseContext) -> str:
    """Two tools in one reply, plain functions, which AutoGen runs at once, each in a thread."""

    def snow(place: str) -> str:
        """How deep the snow lies."""
        world.record_tool_run("warden", "snow")
        return f"{place}: 40 cm"

    def wind(place: str) -> str:
        """How hard the wind blows."""
        world.record_tool_run("warden", "wind")
        return f"{place}: 60 km/h"

    warden = make_assistant(world, "warden", tools=[snow, wind], reflect_on_tool_use=True)
    return str((await warden.run(task=TASK)).messages[-1])


async def _run_warden(world: CaseContext, **settings: Any) -> str:
    """The last message of a warden who has a gauge."""
    gauge = GaugeTool(world, "warden", "snow", "40 cm")
    warden = make_assistant(world, "warden", tools=[gauge], **settings)
    return str((await warden.run(task=TASK)).messages[-1])
