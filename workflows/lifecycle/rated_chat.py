"""A chat whose user rates its answers; a rating becomes feedback, and a label, of the rated turn.

    user ──message──▶ assistant ──answer──▶ user ──"👎 1 That is German."──▶ triage ──label──▶ store

A line of the task that begins with a thumb and the number of a turn is a rating of that turn. Each
message is a turn of the session, with a trace of its own, and so is each rating:

    turn                  CHAIN   as in `chat_stream.py`
    turn                  CHAIN   the rating, the rated turn, and the label
      triage              AGENT   only for a thumb down: what would have been right?
        chat_completion   LLM

The thumb and its comment are logged as feedback on the trace of the rated turn, the label as an
expectation, as `mlflow.genai.evaluate` and its datasets read them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import mlflow
from mlflow.entities import AssessmentSource, SpanType

from instrumentation import record_request, record_response
from workflows.chat_stream import AGENT, StreamedChat
from workflows.support.chat import Conversation, Turn
from workflows.support.clients.openai import Reply, openai_client, to_plain_data

TRIAGE = "triage"
TRIAGE_PROMPT = "A user complains about an answer. Say in one sentence what would have been right."
RATING = re.compile(r"(?P<thumb>👍|👎) (?P<turn>\d+)(?: (?P<comment>.+))?")


@dataclass(frozen=True)
class Rating:
    """What a user thinks of the answer of a turn; turns are counted from 1."""

    is_good: bool
    turn: int
    comment: str


class RatedChat(StreamedChat):
    """An assistant whose answers are rated. Override a method to change one decision."""

    async def run(self, task: str) -> Conversation:
        """Send each line of the task as a message, or take it as a rating."""
        conversation = Conversation(self.session or str(uuid4()), self.user)
        traces: list[str] = []
        async with self.client() as client:
            for line in filter(str.strip, task.splitlines()):
                if found := RATING.fullmatch(line):
                    rating = Rating(found["thumb"] == "👍", int(found["turn"]), found["comment"])
                    await self.take_rating(conversation, traces, rating)
                else:
                    conversation = await self.take_turn(client, conversation, line)
                    traces.append(mlflow.get_last_active_trace_id() or "")
        return conversation

    async def take_rating(
        self, conversation: Conversation, traces: Sequence[str], rating: Rating
    ) -> None:
        """Log a rating. Raises IndexError for a turn that the conversation does not have."""
        place = self.find_rated_turn(conversation, rating)
        turn = conversation.turns[place]
        names = {"session_id": conversation.session, "user": conversation.user}
        with (
            mlflow.tracing.context(**names),
            mlflow.start_span("turn", span_type=SpanType.CHAIN) as span,
        ):
            span.set_inputs({"is_good": rating.is_good, "comment": rating.comment})
            label = None if rating.is_good else await self.write_label(conversation, turn, rating)
            span.set_attribute("flight_recorder.workflow.outcome", "rated")
            span.set_outputs(
                {"message": turn.message, "answer": turn.answer.text, "expected": label}
            )
        self.log_rating(traces[place], conversation, rating, label)

    def find_rated_turn(self, conversation: Conversation, rating: Rating) -> int:
        """The place of the turn that the user saw when rating; not always the newest."""
        return rating.turn - 1

    async def write_label(self, conversation: Conversation, rated: Turn, rating: Rating) -> str:
        """Ask for what would have been right, in view of the complaint."""
        turns = [f"user: {one.message}\n{AGENT}: {one.answer.text}" for one in conversation.turns]
        question = "\n".join(
            [*turns, f"Rated answer: {rated.answer.text}", f"Complaint: {rating.comment}"]
        )
        request: dict[str, Any] = {
            "model": self.model.name,
            "messages": [
                {"role": "system", "content": TRIAGE_PROMPT},
                {"role": "user", "content": question},
            ],
        }
        with mlflow.start_span(TRIAGE, span_type=SpanType.AGENT) as span:
            span.set_inputs({"question": question})
            async with openai_client(self.model, TRIAGE) as client:
                with mlflow.start_span("chat_completion", span_type=SpanType.LLM) as call:
                    record_request(call, TRIAGE, request)
                    completion = to_plain_data(await client.chat.completions.create(**request))
                    record_response(call, completion)
            label = Reply.from_completion(completion).text
            span.set_outputs(label)
        return label

    def log_rating(
        self, trace_id: str, conversation: Conversation, rating: Rating, label: str | None
    ) -> None:
        """Log the thumb and the comment as a person's, the label as a model's."""
        mlflow.flush_trace_async_logging()  # the trace must be in the store
        mlflow.log_feedback(
            trace_id=trace_id,
            name="thumb",
            value=rating.is_good,
            rationale=rating.comment,
            source=AssessmentSource("HUMAN", conversation.user or "user"),
        )
        if label:
            mlflow.log_expectation(
                trace_id=trace_id,
                name="expected_facts",
                value=label,
                source=AssessmentSource("LLM_JUDGE", TRIAGE),
            )
