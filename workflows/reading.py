"""A reading: which of the messages that a team has for an agent are put before it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from autogen_agentchat.agents import BaseChatAgent, MessageFilterAgent, MessageFilterConfig
from autogen_agentchat.base import Response
from autogen_agentchat.messages import BaseChatMessage
from autogen_core import CancellationToken

Reads = Callable[[Sequence[BaseChatMessage]], Sequence[BaseChatMessage]]


def last_of_each(messages: Sequence[BaseChatMessage]) -> Sequence[BaseChatMessage]:
    """The last message of each who spoke: the user's first, then by name.

    So the prompt does not depend on which of several branches was the fastest.
    """
    last = {message.source: message for message in messages}
    return sorted(last.values(), key=lambda message: (message.source != "user", message.source))


class Reader(MessageFilterAgent):
    """An agent that is given what `reads` chooses of the messages that its team has for it.

    AutoGen's own filter chooses by source alone, each of them named beforehand.
    """

    def __init__(self, agent: BaseChatAgent, reads: Reads) -> None:
        super().__init__(agent.name, agent, MessageFilterConfig(per_source=[]))
        self._agent, self._reads = agent, reads

    async def on_messages(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> Response:
        return await self._agent.on_messages(self._reads(messages), cancellation_token)

    async def on_messages_stream(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> AsyncGenerator[Any, None]:
        async for item in self._agent.on_messages_stream(self._reads(messages), cancellation_token):
            yield item
