"""Something fails: a tool, a model, another agent; or the caller has waited long enough."""

import asyncio

import httpx
from autogen_core import CancellationToken
from openai import APIStatusError

from integrations.programs.autogen.building_blocks import make_assistant, make_client
from integrations.programs.autogen.gauge_tool import FailingGaugeTool
from integrations.programs.case_context import CaseContext

CANCEL_DELAY_S = 0.5
"""How long after a request has set out it is called off, in seconds."""


async def raising_tool(world: CaseContext) -> str:
    """The agent is told what the tool raised, and goes on."""
    gauge = FailingGaugeTool(world, "warden", "snow", "")
    warden = make_assistant(world, "warden", tools=[gauge], reflect_on_tool_use=True)
    return str((await warden.run(task="How deep is the snow?")).messages[-1])


async def raising_model(world: CaseContext) -> str:
    """The run raises what the endpoint refused it with."""
    return str(await make_assistant(world, "warden").run(task="How deep is the snow?"))


async def handled_error(world: CaseContext) -> str:
    """A tool asks another agent, which fails, asks it again, and then there is more work."""
    guide = make_assistant(world, "guide")

    async def ask(question: str) -> str:
        """Ask the guide."""
        world.record_tool_run("warden", "ask")
        try:
            asked = await guide.run(task=question)
        except APIStatusError:
            asked = await guide.run(task=f"Once more: {question}")
        return asked.messages[-1].to_text()

    warden = make_assistant(world, "warden", tools=[ask], reflect_on_tool_use=True)
    return str((await warden.run(task="Is the pass open?")).messages[-1])


async def cancelled(world: CaseContext) -> str:
    """The caller calls off a run that waits for its model."""
    set_out = asyncio.Event()

    async def on_request(_: httpx.Request) -> None:
        set_out.set()

    async with httpx.AsyncClient(event_hooks={"request": [on_request]}) as http:
        warden = make_assistant(world, "warden", make_client(world, "warden", http_client=http))
        token = CancellationToken()
        run = asyncio.create_task(warden.run(task="How is it?", cancellation_token=token))
        await set_out.wait()
        await asyncio.sleep(CANCEL_DELAY_S)
        token.cancel()
        try:
            return str(await run)
        except asyncio.CancelledError:
            return "called off"
