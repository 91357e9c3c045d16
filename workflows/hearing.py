"""A hearing: an AutoGen team run to its end, by someone who may listen, and may stop it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from autogen_agentchat.base import TaskResult
from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    ModelClientStreamingChunkEvent,
    StructuredMessage,
    TextMessage,
)
from autogen_agentchat.teams import BaseGroupChat
from autogen_core import CancellationToken

Messages = Sequence[BaseAgentEvent | BaseChatMessage]
Listener = Callable[[str, str], None]
"""Is told who says what, piece by piece."""
GRACE_S = 1.0
"""How long a team that was cancelled has, to end by itself."""


async def heard(team: BaseGroupChat, task: str, on_text: Listener | None) -> Messages:
    """Run the team to its end; returns what was said, the task first.

    A cancelled team waits for its agents, which may wait for ever: the token is what reaches them.
    It reaches a tool, but not the agent that waits for the tool's answer, so that there is an end
    to the waiting for the team as well.
    """
    token = CancellationToken()
    running = asyncio.ensure_future(
        _said(team.run_stream(task=task, cancellation_token=token), on_text)
    )
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        token.cancel()
        if (await asyncio.wait([running], timeout=GRACE_S))[1]:
            running.cancel()
            await asyncio.wait([running])
        raise


async def _said(stream: AsyncIterator[Any], on_text: Listener | None) -> Messages:
    messages: Messages = ()
    async for event in stream:
        if isinstance(event, TaskResult):
            messages = event.messages
        elif on_text and isinstance(event, ModelClientStreamingChunkEvent):
            on_text(event.source, event.content)
    return [m for m in messages if isinstance(m, TextMessage | StructuredMessage)]
