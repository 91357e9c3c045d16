"""Generator, reviewer and summarizer, as an AutoGen GraphFlow.

    generator ──▶ reviewer ──approved──▶ summarizer
        ▲            │
        └──objects───┘          after `rounds` reviews without approval: out of rounds

In the trace: the team, in it one turn an agent, in each turn its completions, and before each turn
a handoff from every agent whose work it stands on, with how much of that work arrived.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from typing import Literal

import mlflow
from autogen_agentchat.agents import (
    AssistantAgent,
    BaseChatAgent,
    MessageFilterAgent,
    MessageFilterConfig,
    PerSourceFilter,
)
from autogen_agentchat.conditions import FunctionalTermination
from autogen_agentchat.messages import BaseChatMessage, StructuredMessage
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from autogen_ext.models.openai import OpenAIChatCompletionClient
from mlflow.entities import SpanType
from pydantic import BaseModel

from instrumentation.http_attempts.http_client import traced_http_client
from workflows.client import Clients, WholeAnswers
from workflows.hearing import Listener, Messages, heard
from workflows.model import Model

GENERATOR = "Write what the task asks for. When a reviewer objects, write the whole text anew."
REVIEWER = """\
Check the draft against the task and against what you know. Answer with JSON alone:
{"decision": "approve" or "revise", "notes": "what is wrong, and what would be right"}"""
SUMMARIZER = "Sum up the approved text in one sentence. Keep its figures."


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
    on_text: Listener | None = None,
) -> Review:
    """Draft, review and revise until the reviewer approves, then sum up; or run out of `rounds`.

    With `on_text` the agents stream, and it is told who says what. Raises `RuntimeError`, as
    AutoGen does, when a completion fails for good.
    """
    async with traced_http_client() as http:
        clients = Clients(model, http, client, deadline_s, retries, streams=on_text is not None)
        generator = reads(generator_reads, clients.agent("generator", GENERATOR))
        reviewer = clients.agent("reviewer", REVIEWER, Verdict)
        summarizer = reads(summarizer_reads, clients.agent("summarizer", SUMMARIZER))
        team = review_team(generator, reviewer, summarizer, approves, rounds)

        with mlflow.start_span("review", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            ended = concludes(await heard(team, task, on_text))
            span.set_attribute("flight_recorder.workflow.outcome", ended.outcome)
            span.set_outputs(asdict(ended))
    return ended


def reads(sources: tuple[str, ...], agent: AssistantAgent) -> MessageFilterAgent:
    """The agent, given of all that was said since its last turn only the last of each source."""
    lasts = [PerSourceFilter(source=source, position="last", count=1) for source in sources]
    return MessageFilterAgent(agent.name, agent, MessageFilterConfig(per_source=lasts))


def review_team(
    generator: BaseChatAgent,
    reviewer: BaseChatAgent,
    summarizer: BaseChatAgent,
    approves: Callable[[BaseChatMessage], bool],
    rounds: int,
) -> GraphFlow:
    """The graph at the top of this file, which ends after `rounds` objections at the latest."""
    reviews = count(1)

    def objects(message: BaseChatMessage) -> bool:
        return not approves(message)

    def out_of_rounds(messages: Messages) -> bool:
        verdicts = [m for m in messages if isinstance(m, StructuredMessage)]
        return any(next(reviews) >= rounds for verdict in verdicts if objects(verdict))

    graph = DiGraphBuilder()
    graph.add_node(generator).add_node(reviewer).add_node(summarizer)
    graph.add_edge(generator, reviewer)
    graph.add_edge(reviewer, generator, condition=objects)
    graph.add_edge(reviewer, summarizer, condition=approves)
    graph.set_entry_point(generator)
    return GraphFlow(
        graph.get_participants(),
        graph=graph.build(),
        termination_condition=FunctionalTermination(out_of_rounds),
        custom_message_types=[StructuredMessage[Verdict]],
    )
