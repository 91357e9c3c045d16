"""AutoGen programs in which a tool, the model or another agent fails, or the caller cancels."""

import asyncio

import httpx
from autogen_core import CancellationToken
from openai import APIStatusError

from integrations.programs.autogen.building_blocks import (
    FailingGaugeTool,
    make_assistant,
    make_client,
)
from integrations.programs.case_context import CaseContext

CANCEL_DELAY_S = 0.5
"""How long after the request was sent the run is cancelled, in seconds."""


async def raising_tool(context: CaseContext) -> str:
    """A tool that raises. The model gets the error and answers."""
    gauge = FailingGaugeTool(context, "warden", "snow", "")
    warden = make_assistant(context, "warden", tools=[gauge], reflect_on_tool_use=True)
    return str((await warden.run(task="How deep is the snow?")).messages[-1])


async def raising_model(context: CaseContext) -> str:
    """An endpoint that rejects the request. The run raises its error."""
    return str(await make_assistant(context, "warden").run(task="How deep is the snow?"))


async def handled_error(context: CaseContext) -> str:
    """A tool that asks another agent, handles its failure, asks again, and goes on."""
    guide = make_assistant(context, "guide")

    async def ask(question: str) -> str:
        """Ask the guide."""
        context.record_tool_run("warden", "ask")
        try:
            result = await guide.run(task=question)
        except APIStatusError:
            result = await guide.run(task=f"Once more: {question}")
        return result.messages[-1].to_text()

    warden = make_assistant(context, "warden", tools=[ask], reflect_on_tool_use=True)
    return str((await warden.run(task="Is the pass open?")).messages[-1])


async def cancelled(context: CaseContext) -> str:
    """A run that the caller cancels while it waits for the model."""
    request_sent = asyncio.Event()

    async def on_request(_: httpx.Request) -> None:
        request_sent.set()

    async with httpx.AsyncClient(event_hooks={"request": [on_request]}) as http:
        client = make_client(context, "warden", http_client=http)
        warden = make_assistant(context, "warden", client)
        token = CancellationToken()
        run = asyncio.create_task(warden.run(task="How is it?", cancellation_token=token))
        await request_sent.wait()
        await asyncio.sleep(CANCEL_DELAY_S)
        token.cancel()
        try:
            return str(await run)
        except asyncio.CancelledError:
            return "called off"
