"""Something fails: a tool, a model, another agent; or the caller has waited long enough."""

import asyncio

import httpx
from autogen_core import CancellationToken
from openai import APIStatusError

from integrations.programs.autogen.building_blocks import assistant, client
from integrations.programs.autogen.gauge_tool import BrokenGauge
from integrations.programs.case_context import World

UNDER_WAY_S = 0.5
"""How long after a request has set out it is called off, in seconds."""


async def raising_tool(world: World) -> str:
    """The agent is told what the tool raised, and goes on."""
    gauge = BrokenGauge(world, "warden", "snow", "")
    warden = assistant(world, "warden", tools=[gauge], reflect_on_tool_use=True)
    return str((await warden.run(task="How deep is the snow?")).messages[-1])


async def raising_model(world: World) -> str:
    """The run raises what the endpoint refused it with."""
    return str(await assistant(world, "warden").run(task="How deep is the snow?"))


async def handled_error(world: World) -> str:
    """A tool asks another agent, which fails, asks it again, and then there is more work."""
    guide = assistant(world, "guide")

    async def ask(question: str) -> str:
        """Ask the guide."""
        world.ran("warden", "ask")
        try:
            asked = await guide.run(task=question)
        except APIStatusError:
            asked = await guide.run(task=f"Once more: {question}")
        return asked.messages[-1].to_text()

    warden = assistant(world, "warden", tools=[ask], reflect_on_tool_use=True)
    return str((await warden.run(task="Is the pass open?")).messages[-1])


async def cancelled(world: World) -> str:
    """The caller calls off a run that waits for its model."""
    set_out = asyncio.Event()

    async def noticed(_: httpx.Request) -> None:
        set_out.set()

    async with httpx.AsyncClient(event_hooks={"request": [noticed]}) as http:
        warden = assistant(world, "warden", client(world, "warden", http_client=http))
        token = CancellationToken()
        run = asyncio.create_task(warden.run(task="How is it?", cancellation_token=token))
        await set_out.wait()
        await asyncio.sleep(UNDER_WAY_S)
        token.cancel()
        try:
            return str(await run)
        except asyncio.CancelledError:
            return "called off"
