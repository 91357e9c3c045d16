"""Generator, reviewer and summarizer, as an AutoGen GraphFlow.

    generator ──▶ reviewer ──approved──▶ summarizer
        ▲            │
        └──objects───┘          after `rounds` reviews without approval: out of rounds

In the trace: the team, in it one turn an agent, in each turn its completions, and before each turn
a handoff from every agent whose work it stands on, with how much of that work arrived.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Literal

import mlflow
from autogen_agentchat.agents import (
    AssistantAgent,
    MessageFilterAgent,
    MessageFilterConfig,
    PerSourceFilter,
)
from autogen_agentchat.base import TaskResult
from autogen_agentchat.conditions import FunctionalTermination
from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    ModelClientStreamingChunkEvent,
    StructuredMessage,
    TextMessage,
)
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from autogen_core import CancellationToken
from autogen_core.models import CreateResult, ModelInfo
from autogen_ext.models.openai import OpenAIChatCompletionClient
from mlflow.entities import SpanType
from pydantic import BaseModel

from instrumentation.attempts import seen_http_client
from workflows.model import LANE_HEADER, Model

GENERATOR = "Write what the task asks for. When a reviewer objects, write the whole text anew."
REVIEWER = """\
Check the draft against the task and against what you know. Answer with JSON alone:
{"decision": "approve" or "revise", "notes": "what is wrong, and what would be right"}"""
SUMMARIZER = "Sum up the approved text in one sentence. Keep its figures."

MODEL_INFO = ModelInfo(
    vision=False,
    function_calling=True,
    json_output=True,
    structured_output=True,
    family="unknown",
    multiple_system_messages=True,
)

Messages = Sequence[BaseAgentEvent | BaseChatMessage]


class Verdict(BaseModel):
    """What the reviewer decides. The decision is a field, so that no prose is taken for it."""

    decision: Literal["approve", "revise"]
    notes: str


@dataclass(frozen=True)
class Review:
    """How a review ended: with a `summary`, or out of rounds with the objections still open."""

    outcome: Literal["approved", "out of rounds"]
    draft: str
    summary: str | None = None
    objections: str | None = None


class AnswerCutShort(Exception):
    """Raised when a streamed answer stops before the model said that it was done."""


class WholeAnswers(OpenAIChatCompletionClient):
    """A client that takes no half answer for a whole one.

    A connection that closes in the middle of a stream looks, to AutoGen, like the end of the
    answer. Only the finish reason tells them apart.
    """

    async def create_stream(
        self, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        async for piece in super().create_stream(*args, **kwargs):
            if isinstance(piece, CreateResult) and piece.finish_reason == "unknown":
                raise AnswerCutShort(f"the stream ended after {len(piece.content)} characters")
            yield piece


def approved(message: BaseChatMessage) -> bool:
    """Whether the reviewer's decision is to approve."""
    return isinstance(message, StructuredMessage) and message.content.decision == "approve"


def concluded(messages: Messages) -> Review:
    """The outcome, by who spoke last: a summary closes a review; without one, objections stand."""
    draft = next(m for m in reversed(messages) if m.source == "generator")
    last = messages[-1]
    if last.source == "summarizer":
        return Review("approved", draft.to_text(), summary=last.to_text())
    objections = next(m for m in reversed(messages) if isinstance(m, StructuredMessage))
    return Review("out of rounds", draft.to_text(), objections=objections.content.notes)


async def review(
    task: str,
    model: Model,
    *,
    rounds: int = 3,
    approves: Callable[[BaseChatMessage], bool] = approved,
    generator_reads: tuple[str, ...] = ("user", "reviewer"),
    summarizer_reads: tuple[str, ...] = ("generator", "reviewer"),
    concludes: Callable[[Messages], Review] = concluded,
    client: Callable[..., OpenAIChatCompletionClient] = WholeAnswers,
    deadline_s: float | None = 60.0,
    retries: int = 2,
    on_text: Callable[[str, str], None] | None = None,
) -> Review:
    """Draft, review and revise until the reviewer approves, then sum up; or run out of `rounds`.

    `deadline_s` is the longest wait for the next byte of a completion. With `on_text` the agents
    stream, and it is told who says what, piece by piece. Raises `RuntimeError`, as AutoGen does,
    when a completion fails for good.
    """
    http = seen_http_client()
    streaming: Any = {"stream_options": {"include_usage": True}} if on_text else {}

    def agent(name: str, prompt: str, answer: type[BaseModel] | None = None) -> AssistantAgent:
        own_client = client(
            model=model.name,
            base_url=model.base_url,
            api_key=model.api_key,
            default_headers={LANE_HEADER: name},
            http_client=http,
            timeout=deadline_s,
            max_retries=retries,
            model_info=MODEL_INFO,
            **streaming,
        )
        return AssistantAgent(
            name,
            own_client,
            system_message=prompt,
            output_content_type=answer,
            model_client_stream=on_text is not None,
        )

    def objects(message: BaseChatMessage) -> bool:
        return not approves(message)

    reviews = count(1)

    def out_of_rounds(messages: Messages) -> bool:
        return any(
            next(reviews) >= rounds for m in messages if m.source == "reviewer" and objects(m)
        )

    generator = reads(generator_reads, agent("generator", GENERATOR))
    reviewer = agent("reviewer", REVIEWER, Verdict)
    summarizer = reads(summarizer_reads, agent("summarizer", SUMMARIZER))

    graph = DiGraphBuilder()
    graph.add_node(generator).add_node(reviewer).add_node(summarizer)
    graph.add_edge(generator, reviewer)
    graph.add_edge(reviewer, generator, condition=objects)
    graph.add_edge(reviewer, summarizer, condition=approves)
    graph.set_entry_point(generator)
    team = GraphFlow(
        graph.get_participants(),
        graph=graph.build(),
        termination_condition=FunctionalTermination(out_of_rounds),
        custom_message_types=[StructuredMessage[Verdict]],
    )

    with mlflow.start_span("review", span_type=SpanType.CHAIN) as span:
        span.set_inputs({"task": task})
        async with http:
            ended = concludes(await heard(team, task, on_text))
        span.set_attribute("review.outcome", ended.outcome)
        span.set_outputs(asdict(ended))
    return ended


def reads(sources: tuple[str, ...], agent: AssistantAgent) -> MessageFilterAgent:
    """The agent, given of all that was said since its last turn only the last of each source."""
    lasts = [PerSourceFilter(source=source, position="last", count=1) for source in sources]
    return MessageFilterAgent(agent.name, agent, MessageFilterConfig(per_source=lasts))


async def heard(
    team: GraphFlow, task: str, on_text: Callable[[str, str], None] | None
) -> Messages:
    """Run the team to its end; whoever listens hears each piece as it is said.

    A cancelled team waits for its agents, which may wait for ever: the token is what reaches them.
    """
    token = CancellationToken()
    running = asyncio.ensure_future(said(team.run_stream(task=task, cancellation_token=token), on_text))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        token.cancel()
        await asyncio.wait([running])
        raise


async def said(
    stream: AsyncIterator[Any], on_text: Callable[[str, str], None] | None
) -> Messages:
    """All that was said in the end; what is told on the way are the pieces."""
    messages: Messages = ()
    async for event in stream:
        if isinstance(event, TaskResult):
            messages = event.messages
        elif on_text and isinstance(event, ModelClientStreamingChunkEvent):
            on_text(event.source, event.content)
    return [m for m in messages if isinstance(m, TextMessage | StructuredMessage)]
