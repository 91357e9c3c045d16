"""A client: one AutoGen agent's own way to the model."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import CreateResult, ModelInfo
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel

from workflows.model import AGENT_HEADER, Model, TruncatedAnswerError

MODEL_INFO = ModelInfo(
    vision=False,
    function_calling=True,
    json_output=True,
    structured_output=True,
    family="unknown",
    multiple_system_messages=True,
)
"""What AutoGen wants to know of a model that it has never heard of."""


class WholeAnswers(OpenAIChatCompletionClient):
    """A client that takes no half answer for a whole one.

    A connection that closes in the middle of a stream looks, to AutoGen, like the end of the
    answer, and an answer that ran into its token limit like any other. The finish reason tells.
    """

    async def create(self, *args: Any, **kwargs: Any) -> CreateResult:
        return whole(await super().create(*args, **kwargs), streamed=False)

    async def create_stream(
        self, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        async for piece in super().create_stream(*args, **kwargs):
            yield piece if isinstance(piece, str) else whole(piece, streamed=True)


def whole(result: CreateResult, *, streamed: bool) -> CreateResult:
    """The result, if it is the whole answer; else raises `TruncatedAnswerError`."""
    said = f"after {len(result.content)} characters"
    if result.finish_reason == "length":
        raise TruncatedAnswerError(f"the model reached its token limit {said}")
    # AutoGen also loses the reason where it comes in one chunk with the usage: that is whole.
    if streamed and result.finish_reason == "unknown" and not result.usage.completion_tokens:
        raise TruncatedAnswerError(f"the stream ended {said}")
    return result


@dataclass(frozen=True)
class Clients:
    """Clients of one model. Each agent has its own, whose requests say whose they are.

    `deadline_s` is the longest wait for the next byte of a completion; `retries` come after it, and
    after refusals that say when to come again.
    """

    model: Model
    http: httpx.AsyncClient
    kind: Callable[..., OpenAIChatCompletionClient] = WholeAnswers
    deadline_s: float | None = 60.0
    retries: int = 2
    streams: bool = False

    def agent(
        self,
        name: str,
        prompt: str,
        answer: type[BaseModel] | None = None,
        tools: Sequence[FunctionTool] = (),
        rounds: int = 1,
    ) -> AssistantAgent:
        """An agent with a client of its own; it answers in prose, or in the shape of `answer`.

        It may ask for `tools` so many rounds, before it has to answer with what it has.
        """
        usage: dict[str, Any] = {"stream_options": {"include_usage": True}} if self.streams else {}
        client = self.kind(
            model=self.model.name,
            base_url=self.model.base_url,
            api_key=self.model.api_key,
            default_headers={AGENT_HEADER: name},
            http_client=self.http,
            timeout=self.deadline_s,
            max_retries=self.retries,
            model_info=MODEL_INFO,
            **usage,
        )
        return AssistantAgent(
            name,
            client,
            system_message=prompt,
            tools=[*tools],
            max_tool_iterations=rounds,
            reflect_on_tool_use=True if tools else None,
            output_content_type=answer,
            model_client_stream=self.streams,
        )
