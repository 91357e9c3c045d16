"""An AutoGen program whose classes are defined after the instrumentor was enabled."""

from collections.abc import Sequence
from typing import Any

from autogen_agentchat.agents import AssistantAgent, BaseChatAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_core import CancellationToken
from autogen_ext.models.openai import OpenAIChatCompletionClient

from integrations.programs.autogen.building_blocks import make_assistant, make_client
from integrations.programs.case_context import CaseContext


async def defined_late(context: CaseContext) -> str:
    """An agent that passes its task to another. Both are instances of the user's own classes."""

    class Client(OpenAIChatCompletionClient):
        async def create(self, *args: Any, **kwargs: Any) -> Any:
            return await super().create(*args, **kwargs)

    class Herald(AssistantAgent):
        async def run(self, **kwargs: Any) -> Any:
            return await super().run(**kwargs)

    herald = make_assistant(context, "herald", make_client(context, "herald", Client), Herald)

    class Crier(BaseChatAgent):
        produced_message_types = (TextMessage,)

        async def on_messages(
            self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
        ) -> Response:
            result = await herald.run(task="\n".join(m.to_text() for m in messages))
            news = result.messages[-1]
            assert isinstance(news, TextMessage)
            return Response(chat_message=TextMessage(content=news.content, source=self.name))

        async def on_reset(self, cancellation_token: CancellationToken) -> None:
            await herald.on_reset(cancellation_token)

    crier = Crier("crier", "Cries out what the herald knows.")
    return str((await crier.run(task="What is new?")).messages[-1])
