"""A chat of several turns whose answers are streamed; each turn is a trace of one session.

    user ──message──▶ assistant ──chunk──chunk──chunk──▶ user ──message──▶ …

The trace of one turn; `session` and `user` join the turns of a conversation:

    turn                  CHAIN   the user's message and the answer
      assistant           AGENT   how many earlier turns the assistant remembers
        stream_answer     LLM     one request: each chunk is an event, the joined chunks the output

Read on in `support/clients/openai.py`, then in `support/chat.py`.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import date
from time import monotonic
from uuid import uuid4

import httpx
import mlflow
from mlflow.entities import NoOpSpan, SpanType
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

from instrumentation import record_request, record_response
from workflows.model import Model, TruncatedAnswerError
from workflows.support import chat
from workflows.support.chat import Answer, Conversation, Messages
from workflows.support.clients.openai import openai_client

AGENT = "assistant"


class StreamedChat:
    """An assistant that answers message by message. It keeps no state between turns."""

    system_prompt = (
        "Answer briefly, in plain sentences. What the user has told you before still holds."
    )
    remembered_turns = 20

    def __init__(
        self,
        model: Model,
        *,
        session: str | None = None,
        user: str | None = None,
        on_chunk: Callable[[str, str], None] | None = None,
    ) -> None:
        """`on_chunk` is called with the agent's name and each piece of text as it arrives.

        `session` names the conversation of `run` in its traces; None makes up a new name.
        """
        self.model, self.session, self.user, self.on_chunk = model, session, user, on_chunk

    async def run(self, task: str) -> Conversation:
        """Send each line of the task as a message. Raises what `take_turn` raises."""
        conversation = Conversation(self.session or str(uuid4()), self.user)
        async with self.client() as client:
            for message in filter(str.strip, task.splitlines()):
                conversation = await self.take_turn(client, conversation, message)
        return conversation

    async def take_turn(
        self, client: AsyncOpenAI, conversation: Conversation, message: str
    ) -> Conversation:
        """Answer a message, and add the turn to the conversation, unless it fails.

        Raises `TruncatedAnswerError`, `NoAnswerError`, or an error of the OpenAI client.
        """
        if not message.strip():
            raise ValueError("the message is empty: write at least one character")
        tags = {"date": f"{date.today():%Y%m%d}"}
        names = {"session_id": conversation.session, "user": conversation.user}
        with (
            mlflow.tracing.context(**names, tags=tags),
            mlflow.start_span("turn", span_type=SpanType.CHAIN) as span,
        ):
            span.set_inputs({"messages": [{"role": "user", "content": message}]})
            answer = await self.answer(client, conversation, message)
            span.set_attribute("flight_recorder.workflow.outcome", answer.outcome)
            span.set_outputs({"messages": [{"role": "assistant", "content": answer.text}]})
        return conversation.with_turn(message, answer)

    def client(self) -> AsyncOpenAI:
        """Create the client, to be used for all turns of a conversation."""
        return openai_client(self.model, AGENT)

    async def answer(self, client: AsyncOpenAI, conversation: Conversation, message: str) -> Answer:
        turns = conversation.last_turns(self.remembered_turns)
        with mlflow.start_span(AGENT, span_type=SpanType.AGENT) as span:
            span.set_inputs({"message": message})
            span.set_attribute("flight_recorder.history.turns", len(turns))
            span.set_attribute(
                "flight_recorder.history.turns_forgotten", len(conversation.turns) - len(turns)
            )
            chunks = []
            messages = chat.build_prompt(self.load_system_prompt(), turns, message)
            async with aclosing(self.traced_stream(client)(messages)) as stream:
                async for chunk in stream:
                    chunks.append(chunk)
                    if self.on_chunk and (text := chat.chunk_text(chunk)):
                        self.on_chunk(AGENT, text)
            answer = chat.read_answer(chat.join_chunks(chunks))
            span.set_outputs(answer.text)
        return answer

    def load_system_prompt(self) -> str:
        """The system prompt of a turn."""
        return self.system_prompt

    def traced_stream(self, client: AsyncOpenAI) -> chat.Stream:
        """Make the traced stream. MLflow records its arguments, so the client is none of them."""
        name = self.model.name

        async def stream_answer(messages: Messages) -> AsyncGenerator[ChatCompletionChunk]:
            started = monotonic()
            span = mlflow.get_current_active_span() or NoOpSpan()  # none if tracing is off
            record_request(span, AGENT, {"model": name, "messages": messages})
            request = client.chat.completions.create(
                model=name, messages=messages, stream=True, stream_options={"include_usage": True}
            )
            chunks, text = [], ""
            try:
                async with await request as stream:
                    async for data in stream:
                        chunk = chat.validate_chunk(data)
                        if (piece := chat.chunk_text(chunk)) and not text:
                            delay_s = round(monotonic() - started, 6)
                            span.set_attribute("gen_ai.response.time_to_first_chunk", delay_s)
                        text += piece
                        chunks.append(chunk)
                        yield chunk
            except (httpx.HTTPError, ValueError) as error:  # the connection, or an invalid chunk
                reason = f"after {len(text)} characters ({type(error).__name__}: {error})"
                raise TruncatedAnswerError(f"the stream broke {reason}") from error
            if not chunks:
                kind = stream.response.headers.get("content-type", "missing")
                raise TruncatedAnswerError(
                    f"the endpoint sent no chunks; its content type is {kind}"
                )
            completion = chat.join_chunks(chunks)
            record_response(span, completion)
            chat.require_finished(completion)

        traced: chat.Stream = mlflow.trace(
            stream_answer, span_type=SpanType.LLM, output_reducer=chat.join_chunks
        )
        return traced
