"""AutoGen programs with one agent and its tools, run once per instrumentor."""

from typing import Any

from integrations.programs.autogen.building_blocks import GaugeTool, make_assistant
from integrations.programs.case_context import CaseContext

TASK = "How is it up on the pass?"


async def agent_with_tool(context: CaseContext) -> str:
    """The default: the tool's result is the agent's answer."""
    return await _run_warden(context)


async def reflect_on(context: CaseContext) -> str:
    """The model is called again with the tool's result."""
    return await _run_warden(context, reflect_on_tool_use=True)


async def reflect_off(context: CaseContext) -> str:
    """The agent wraps the tool's result in a text of its own."""
    text = "The gauge says: {result}"
    return await _run_warden(context, reflect_on_tool_use=False, tool_call_summary_format=text)


async def tool_loop(context: CaseContext) -> str:
    """The model may call tools several times before it answers."""
    return await _run_warden(context, max_tool_iterations=3)


async def parallel_tools(context: CaseContext) -> str:
    """Two tools in one reply. They are plain functions, which AutoGen runs in parallel threads."""

    def snow(place: str) -> str:
        """How deep the snow lies."""
        context.record_tool_run("warden", "snow")
        return f"{place}: 40 cm"

    def wind(place: str) -> str:
        """How hard the wind blows."""
        context.record_tool_run("warden", "wind")
        return f"{place}: 60 km/h"

    warden = make_assistant(context, "warden", tools=[snow, wind], reflect_on_tool_use=True)
    return str((await warden.run(task=TASK)).messages[-1])


async def _run_warden(context: CaseContext, **settings: Any) -> str:
    """Run an agent with a gauge and return its last message."""
    gauge = GaugeTool(context, "warden", "snow", "40 cm")
    warden = make_assistant(context, "warden", tools=[gauge], **settings)
    return str((await warden.run(task=TASK)).messages[-1])
