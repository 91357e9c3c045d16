"""AutoGen agents on an OpenAI-compatible endpoint: clients, message filters and team runs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

import httpx
from autogen_agentchat.agents import (
    BaseChatAgent,
    MessageFilterAgent,
    MessageFilterConfig,
    PerSourceFilter,
)
from autogen_agentchat.base import Response, TaskResult
from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    ModelClientStreamingChunkEvent,
    StructuredMessage,
    TextMessage,
)
from autogen_agentchat.teams import BaseGroupChat
from autogen_core import CancellationToken
from autogen_core.models import CreateResult, ModelInfo
from autogen_ext.models.openai import OpenAIChatCompletionClient

from workflows.model import AGENT_HEADER, Model, TruncatedAnswerError

Messages = Sequence[BaseAgentEvent | BaseChatMessage]
OnChunk = Callable[[str, str], None] | None
"""Called with an agent's name and a piece of its answer; if there is none, nothing is streamed."""
MessageSelector = Callable[[Sequence[BaseChatMessage]], Sequence[BaseChatMessage]]

MODEL_INFO = ModelInfo(
    vision=False,
    function_calling=True,
    json_output=True,
    structured_output=True,
    family="unknown",
    multiple_system_messages=True,
)
"""The capabilities that AutoGen cannot look up for a model that it does not know."""
CANCEL_GRACE_S = 1.0
"""How long a cancelled team may take to end by itself."""


class CompleteAnswerClient(OpenAIChatCompletionClient):
    """An OpenAI client that raises `TruncatedAnswerError` for an incomplete answer.

    AutoGen returns half an answer like a whole one, whether the connection closed in the middle of
    a stream or the model reached its token limit. Only the finish reason differs.
    """

    async def create(self, *args: Any, **kwargs: Any) -> CreateResult:
        return require_complete(await super().create(*args, **kwargs), is_streamed=False)

    async def create_stream(
        self, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        async for chunk in super().create_stream(*args, **kwargs):
            yield chunk if isinstance(chunk, str) else require_complete(chunk, is_streamed=True)


def require_complete(result: CreateResult, *, is_streamed: bool) -> CreateResult:
    """Return the result of a completion, or raise `TruncatedAnswerError` if it is incomplete."""
    length = f"after {len(result.content)} characters"
    if result.finish_reason == "length":
        raise TruncatedAnswerError(f"the model reached its token limit {length}")
    # AutoGen also reports "unknown" for a complete stream whose last chunk has the token usage.
    if is_streamed and result.finish_reason == "unknown" and not result.usage.completion_tokens:
        raise TruncatedAnswerError(f"the stream ended {length}")
    return result


def build_client_options(
    model: Model, agent: str, http: httpx.AsyncClient, stream: bool = False
) -> dict[str, Any]:
    """Build the arguments of an `OpenAIChatCompletionClient` for one agent.

    Its requests carry the agent's name in a header. With `stream`, they ask for the token usage,
    which OpenAI leaves out of a stream by default; a request that is not streamed must not do so.
    """
    usage: dict[str, Any] = {"stream_options": {"include_usage": True}} if stream else {}
    return {
        "model": model.name,
        "base_url": model.base_url,
        "api_key": model.api_key,
        "default_headers": {AGENT_HEADER: agent},
        "http_client": http,
        "timeout": model.timeout_s,
        "max_retries": model.max_retries,
        "model_info": MODEL_INFO,
        **usage,
    }


def filter_by_source(agent: BaseChatAgent, sources: Sequence[str]) -> MessageFilterAgent:
    """Wrap an agent: of the messages since its last turn, it is given the last of each source."""
    last = [PerSourceFilter(source=source, position="last", count=1) for source in sources]
    return MessageFilterAgent(agent.name, agent, MessageFilterConfig(per_source=last))


class FunctionFilterAgent(MessageFilterAgent):
    """A `MessageFilterAgent` whose filter is a function.

    AutoGen's own filter selects messages by their source only, and needs a list of the sources.
    """

    def __init__(self, agent: BaseChatAgent, select: MessageSelector) -> None:
        super().__init__(agent.name, agent, MessageFilterConfig(per_source=[]))
        self._agent, self._select = agent, select

    async def on_messages(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> Response:
        return await self._agent.on_messages(self._select(messages), cancellation_token)

    async def on_messages_stream(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> AsyncGenerator[Any, None]:
        selected = self._select(messages)
        async for item in self._agent.on_messages_stream(selected, cancellation_token):
            yield item


def select_last_of_each_source(messages: Sequence[BaseChatMessage]) -> Sequence[BaseChatMessage]:
    """Select the last message of each source: the user's first, the others sorted by name.

    The order does not depend on which of several parallel branches was the fastest.
    """
    last = {message.source: message for message in messages}
    return sorted(last.values(), key=lambda message: (message.source != "user", message.source))


async def run_team(team: BaseGroupChat, task: str, on_chunk: OnChunk = None) -> Messages:
    """Run a team to its end, and return its messages, the task first.

    If this is cancelled, so is the team, by its token: otherwise the team would wait for its agents
    to end. The token cancels a running tool, but not the agent that waits for the tool's result,
    so the team is abandoned after `CANCEL_GRACE_S`.
    """
    token = CancellationToken()
    stream = team.run_stream(task=task, cancellation_token=token)
    running = asyncio.ensure_future(_collect_messages(stream, on_chunk))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        token.cancel()
        if (await asyncio.wait([running], timeout=CANCEL_GRACE_S))[1]:
            running.cancel()
            await asyncio.wait([running])
        raise


async def _collect_messages(stream: AsyncIterator[Any], on_chunk: OnChunk) -> Messages:
    messages: Messages = ()
    async for event in stream:
        if isinstance(event, TaskResult):
            messages = event.messages
        elif on_chunk and isinstance(event, ModelClientStreamingChunkEvent):
            on_chunk(event.source, event.content)
    return [m for m in messages if isinstance(m, TextMessage | StructuredMessage)]
