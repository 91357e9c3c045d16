"""A conversation of several turns, whose answers are streamed.

    user ──says──▶ assistant ──piece by piece──▶ user ──says──▶ …

In the traces: one a turn, joined by the session and the user that they bear. In each the turn, in
it the assistant at work, in it the completion: each event of the stream is an event of its span,
and what they come to is its output.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import date
from time import monotonic
from uuid import uuid4

import httpx
import mlflow
from mlflow.entities import NoOpSpan, SpanType
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from instrumentation.chat import record_request, record_response
from instrumentation.http_attempts.http_client import traced_http_client
from workflows.chat_answer import Answer, event, finished, joined, piece, whole
from workflows.chat_history import Conversation, prompt
from workflows.model import LANE_HEADER, AnswerCutShort, Model

ASSISTANT = "assistant"
REMEMBERED = 20

Messages = list[ChatCompletionMessageParam]
Events = AsyncGenerator[ChatCompletionChunk, None]
Streams = Callable[[Messages], Events]
Listener = Callable[[str, str], None]
"""Is told who says what, piece by piece."""


async def converse(
    task: str,
    model: Model,
    *,
    session: str | None = None,
    user: str | None = None,
    remembers: int = REMEMBERED,
    deadline_s: float | None = 60.0,
    retries: int = 2,
    on_text: Listener | None = None,
) -> Conversation:
    """Say each line of the task in turn; `session` names the conversation, else a new id does.

    Raises what `turn` raises, and then says no more.
    """
    conversation = Conversation(session or str(uuid4()), user)
    async with assistant(model, deadline_s, retries) as streams:
        for said in filter(str.strip, task.splitlines()):
            conversation = await turn(conversation, said, streams, remembers, on_text)
    return conversation


async def turn(
    conversation: Conversation,
    said: str,
    streams: Streams,
    remembers: int = REMEMBERED,
    on_text: Listener | None = None,
) -> Conversation:
    """Say a line and hear the answer; returns the conversation with both in it.

    The assistant is told the last turns, as many as it `remembers`. Raises `AnswerCutShort` or
    `NoAnswer`, or an error of openai's that the endpoint told: then the conversation stays as it
    was, for half an answer is never kept. A line that says nothing is a `ValueError`.
    """
    if not said.strip():
        raise ValueError("nothing was said: a turn begins with a line that is not empty")
    whose = {"session_id": conversation.session, "user": conversation.user}
    tags = {"date": f"{date.today():%Y%m%d}"}
    with (
        mlflow.tracing.context(**whose, tags=tags),
        mlflow.start_span("turn", span_type=SpanType.CHAIN) as span,
    ):
        span.set_inputs({"messages": [{"role": "user", "content": said}]})
        answer = await spoken(conversation, said, streams, remembers, on_text)
        span.set_attribute("flight_recorder.workflow.outcome", answer.outcome)
        span.set_outputs({"messages": [{"role": "assistant", "content": answer.text}]})
    return conversation.after(said, answer)


async def spoken(
    conversation: Conversation,
    said: str,
    streams: Streams,
    remembers: int,
    on_text: Listener | None,
) -> Answer:
    """The assistant's whole answer, of which `on_text` is told each piece as it comes."""
    remembered, events = conversation.recent(remembers), []
    forgotten = len(conversation.turns) - len(remembered)
    with mlflow.start_span(ASSISTANT, span_type=SpanType.AGENT) as span:
        span.set_inputs({"said": said})
        span.set_attribute("flight_recorder.history.turns", len(remembered))
        span.set_attribute("flight_recorder.history.turns_forgotten", forgotten)
        async with aclosing(streams(prompt(remembered, said))) as stream:
            async for event in stream:
                events.append(event)
                if on_text and (text := piece(event)):
                    on_text(ASSISTANT, text)
        answer = whole(joined(events))
        span.set_outputs(answer.text)
    return answer


@asynccontextmanager
async def assistant(
    model: Model, deadline_s: float | None = 60.0, retries: int = 2
) -> AsyncIterator[Streams]:
    """A client of the assistant's own, as the stream of what the model answers to messages.

    `deadline_s` is the longest wait for the next byte. `retries` are for requests of which no
    answer began: what has been heard cannot be taken back.
    """
    client = AsyncOpenAI(
        base_url=model.base_url,
        api_key=model.api_key,
        default_headers={LANE_HEADER: ASSISTANT},
        http_client=traced_http_client(),
        timeout=deadline_s,
        max_retries=retries,
    )
    async with client:
        yield streamed(client, model.name)


def streamed(client: AsyncOpenAI, name: str) -> Streams:
    """The traced stream. The client is none of its arguments, which MLflow writes into the trace:
    it holds the key."""

    async def stream_answer(messages: Messages) -> Events:
        began = monotonic()
        span = mlflow.get_current_active_span() or NoOpSpan()  # where nobody records, there is none
        record_request(span, ASSISTANT, {"model": name, "messages": messages})
        request = client.chat.completions.create(
            model=name, messages=messages, stream=True, stream_options={"include_usage": True}
        )
        events, text = [], ""
        try:
            async with await request as stream:
                async for sent in stream:
                    if (more := piece(event(sent))) and not text:
                        waited_s = round(monotonic() - began, 6)
                        span.set_attribute("gen_ai.response.time_to_first_chunk", waited_s)
                    text += more
                    events.append(sent)
                    yield sent
        except (httpx.HTTPError, ValueError) as error:  # broken on the way, or no event of a chat
            how = f"({type(error).__name__}: {error})"
            raise AnswerCutShort(f"the stream broke after {len(text)} characters {how}") from error
        if not events:
            kind = stream.response.headers.get("content-type", "no type")
            raise AnswerCutShort(f"no event came in what the endpoint sent, which is {kind}")
        completion = joined(events)
        record_response(span, completion)
        finished(completion)

    traced: Streams = mlflow.trace(stream_answer, span_type=SpanType.LLM, output_reducer=joined)
    return traced
