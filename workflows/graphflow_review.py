"""Three AutoGen agents draft, review and summarize a text: a GraphFlow with a loop.

    generator ──▶ reviewer ──approves──▶ summarizer
        ▲            │
        └──objects───┘          out of rounds after `max_rounds` objections

The trace of a draft that is approved at once:

    review  [CHAIN]  → approved
      GraphFlow  [CHAIN]
        generator  [AGENT]
          chat_completion  [LLM]
        generator → reviewer  [HANDOFF]  100% of 409 chars arrived
        reviewer  [AGENT] …
        generator → summarizer  [HANDOFF] …
        reviewer → summarizer  [HANDOFF] …  edge GraphFlowReview.is_approval
        summarizer  [AGENT] …

A handoff precedes a turn for each agent on whose output the turn is based. This file opens only the
root span: `enable_tracing()` records the others. Read `workflows/model.py`, then
`support/clients/autogen.py`; nothing else is needed.
"""

from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Literal

import mlflow
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import FunctionalTermination
from autogen_agentchat.messages import BaseChatMessage, StructuredMessage
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from autogen_ext.models.openai import OpenAIChatCompletionClient
from httpx import AsyncClient
from mlflow.entities import SpanType
from pydantic import BaseModel

from instrumentation import traced_http_client
from workflows.model import Model
from workflows.support.clients import autogen

GENERATOR = "Write what the task asks for. When a reviewer objects, write the whole text anew."
REVIEWER = """\
Check the draft against the task and against what you know. Answer with JSON alone:
{"decision": "approve" or "revise", "notes": "what is wrong, and what would be right"}"""
SUMMARIZER = "Sum up the approved text in one sentence. Keep its figures."


class Verdict(BaseModel):
    """The reviewer's answer. It is structured, so that approval is never parsed from free text."""

    decision: Literal["approve", "revise"]
    notes: str


@dataclass(frozen=True)
class Review:
    """The result of a review: a `summary` if approved, else the last `objections`."""

    outcome: Literal["approved", "out of rounds"]
    draft: str
    summary: str | None = None
    objections: str | None = None


class GraphFlowReview:
    """Drafts and revises a text until the reviewer approves it, then summarizes it."""

    max_rounds = 3

    def __init__(self, model: Model, *, on_chunk: autogen.OnChunk = None) -> None:
        """If `on_chunk` is given, the agents stream their answers to it."""
        self.model, self.on_chunk, self.streams = model, on_chunk, on_chunk is not None

    async def run(self, task: str) -> Review:
        """Review one text. Raises `RuntimeError` if a completion fails in spite of its retries."""
        with mlflow.start_span("review", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            async with traced_http_client() as http:
                messages = await autogen.run_team(self.build_team(http), task, self.on_chunk)
            review = self.conclude(messages)
            span.set_attribute("flight_recorder.workflow.outcome", review.outcome)
            span.set_outputs(asdict(review))
        return review

    def build_team(self, http: AsyncClient) -> GraphFlow:
        """Build the graph that is drawn at the top of this file."""
        generator = autogen.filter_by_source(
            self.create_agent("generator", GENERATOR, http), self.generator_sources()
        )
        reviewer = self.create_agent("reviewer", REVIEWER, http, output_content_type=Verdict)
        summarizer = autogen.filter_by_source(
            self.create_agent("summarizer", SUMMARIZER, http), self.summarizer_sources()
        )
        graph = DiGraphBuilder().add_node(generator).add_node(reviewer).add_node(summarizer)
        graph.add_edge(generator, reviewer)
        graph.add_edge(reviewer, generator, condition=self.is_objection)
        graph.add_edge(reviewer, summarizer, condition=self.is_approval)
        graph.set_entry_point(generator)
        return GraphFlow(
            graph.get_participants(),
            graph=graph.build(),
            termination_condition=self.limit_rounds(),
            custom_message_types=[StructuredMessage[Verdict]],
        )

    def create_agent(
        self, name: str, prompt: str, http: AsyncClient, **options: Any
    ) -> AssistantAgent:
        options |= {"system_message": prompt, "model_client_stream": self.streams}
        return AssistantAgent(name, self.create_client(name, http), **options)

    def create_client(self, agent: str, http: AsyncClient) -> OpenAIChatCompletionClient:
        """Create the model client of one agent."""
        options = autogen.build_client_options(self.model, agent, http, self.streams)
        return autogen.CompleteAnswerClient(**options)

    def generator_sources(self) -> tuple[str, ...]:
        """The senders whose last message the generator is given."""
        return ("user", "reviewer")

    def summarizer_sources(self) -> tuple[str, ...]:
        """The senders whose last message the summarizer is given."""
        return ("generator", "reviewer")

    def is_approval(self, message: BaseChatMessage) -> bool:
        """Whether the reviewer's message approves the draft."""
        return isinstance(message, StructuredMessage) and message.content.decision == "approve"

    def is_objection(self, message: BaseChatMessage) -> bool:
        return not self.is_approval(message)

    def limit_rounds(self) -> FunctionalTermination:
        """Stop the team at the reviewer's objection number `max_rounds`."""
        rounds = count(1)

        def is_last_objection(new_messages: autogen.Messages) -> bool:
            verdicts = [m for m in new_messages if isinstance(m, StructuredMessage)]
            return any(next(rounds) >= self.max_rounds for v in verdicts if self.is_objection(v))

        return FunctionalTermination(is_last_objection)

    def conclude(self, messages: autogen.Messages) -> Review:
        """The text is approved if the summarizer spoke last, else it ran out of rounds."""
        draft = next(m.to_text() for m in reversed(messages) if m.source == "generator")
        if messages[-1].source == "summarizer":
            return Review("approved", draft, summary=messages[-1].to_text())
        verdict = next(m for m in reversed(messages) if isinstance(m, StructuredMessage))
        return Review("out of rounds", draft, objections=verdict.content.notes)
