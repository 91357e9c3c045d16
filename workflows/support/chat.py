"""The parts of the streamed chat: a conversation, and the chunks of an answer, joined to one.

A conversation has a session, a user and turns. A completion is joined from its chunks, each of
which is validated, and read as an answer.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
from openai.types.chat.chat_completion_chunk import ChoiceDelta, ChoiceDeltaToolCall

from workflows.model import TruncatedAnswerError
from workflows.support.clients.openai import require_complete

Messages = list[ChatCompletionMessageParam]
Stream = Callable[[Messages], AsyncGenerator[ChatCompletionChunk]]
"""Takes the messages of a request, and yields the chunks of its answer."""


class NoAnswerError(Exception):
    """Raised when a completion is complete but has no text to read."""


@dataclass(frozen=True)
class Answer:
    """The model's text, and whether it is an answer or a refusal to give one."""

    outcome: Literal["answered", "refused"]
    text: str


@dataclass(frozen=True)
class Turn:
    """A message of the user, and the complete answer to it."""

    message: str
    answer: Answer


@dataclass(frozen=True)
class Conversation:
    """The turns of one session, as `session` and `user` are named in the traces.

    A turn whose answer failed is not part of it.
    """

    session: str
    user: str | None = None
    turns: tuple[Turn, ...] = ()

    def with_turn(self, message: str, answer: Answer) -> "Conversation":
        return replace(self, turns=(*self.turns, Turn(message, answer)))

    def last_turns(self, count: int) -> tuple[Turn, ...]:
        """The last `count` turns: a bounded memory."""
        return self.turns[max(0, len(self.turns) - count) :]


def build_prompt(system_prompt: str, turns: tuple[Turn, ...], message: str) -> Messages:
    """Build the messages of a request: the remembered turns, then the new message."""
    messages: Messages = [{"role": "system", "content": system_prompt}]
    for turn in turns:
        messages.append({"role": "user", "content": turn.message})
        messages.append({"role": "assistant", "content": turn.answer.text})
    return [*messages, {"role": "user", "content": message}]


def require_finished(completion: Mapping[str, Any]) -> None:
    """Raise `TruncatedAnswerError` if the stream ended before the model had finished."""
    (choice,) = completion["choices"]
    if choice["finish_reason"] is None:
        length = len(choice["message"]["content"] or "")
        raise TruncatedAnswerError(f"the stream ended after {length} characters")


def read_answer(completion: Mapping[str, Any]) -> Answer:
    """Read the answer of a finished completion.

    Raises `TruncatedAnswerError` if it was stopped, and `NoAnswerError` if it has no text.
    """
    (choice,) = completion["choices"]
    message, finish_reason = choice["message"], choice["finish_reason"]
    text = message["content"] or ""
    require_complete(finish_reason, text)
    if calls := message.get("tool_calls"):
        names = ", ".join(call["function"]["name"] for call in calls)
        raise NoAnswerError(f"the model called {names}, but it was given no tools")
    if refusal := message.get("refusal"):
        return Answer("refused", refusal)
    if not text.strip():
        raise NoAnswerError(f"the model's answer is empty; its finish reason is {finish_reason!r}")
    return Answer("answered", text)


class InvalidChunkError(ValueError):
    """Raised when an endpoint streams something that is not a chunk of a chat completion."""


def validate_chunk(data: object) -> ChatCompletionChunk:
    """Return the chunk, or raise `InvalidChunkError`: OpenAI's client accepts any JSON as one."""
    if not isinstance(data, ChatCompletionChunk):
        raise InvalidChunkError(f"the endpoint sent {str(data)[:80]!r} instead of a chunk")
    for delta in _deltas(data):
        for text in (delta.content, delta.refusal):
            if not isinstance(text, str | None):
                raise InvalidChunkError(f"the endpoint sent {str(text)[:80]!r} instead of a text")
    return data


def chunk_text(chunk: ChatCompletionChunk) -> str:
    """The text that a chunk adds to the answer; "" for those of role, finish reason and usage."""
    return "".join(delta.content or delta.refusal or "" for delta in _deltas(chunk))


def join_chunks(chunks: Iterable[ChatCompletionChunk]) -> dict[str, Any]:
    """Join chunks to a chat completion, as far as they have arrived.

    It has one choice, whose `finish_reason` is None if the model had not finished, and no `usage`
    if the endpoint sent none. The usage comes last, in a chunk without choices.
    """
    message: dict[str, Any] = {"role": "assistant", "content": None}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": None}
    completion: dict[str, Any] = {"object": "chat.completion", "choices": [choice]}
    for chunk in chunks:
        completion |= {"id": chunk.id, "model": chunk.model}
        if chunk.usage:
            completion["usage"] = chunk.usage.to_dict()
        for part in chunk.choices or ():
            _add_delta(message, part.delta)
            choice["finish_reason"] = part.finish_reason or choice["finish_reason"]
    for key in {"content", "refusal"} & message.keys():
        message[key] = message[key] and _join_surrogates(message[key])
    return completion


def _deltas(chunk: ChatCompletionChunk) -> list[ChoiceDelta]:
    return [choice.delta for choice in chunk.choices or () if choice.delta]


def _join_surrogates(text: str) -> str:
    """Join surrogate pairs: a character may be cut between two chunks. A half that stays alone,
    which no store and no request can hold, becomes a replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _add_delta(message: dict[str, Any], delta: ChoiceDelta | None) -> None:
    if delta is None:  # some endpoints send none with the finish reason
        return
    for key in ("content", "refusal"):
        if (text := getattr(delta, key)) is not None:
            message[key] = (message.get(key) or "") + text
    for part in delta.tool_calls or ():
        _add_call(message.setdefault("tool_calls", []), part)


def _add_call(calls: list[dict[str, Any]], part: ChoiceDeltaToolCall) -> None:
    """Add a part of a call: first its name, then pieces of its arguments. Endpoints that send each
    call in one chunk do not number them."""
    is_known = isinstance(part.index, int) and 0 <= part.index < len(calls)
    index = part.index if is_known else len(calls)
    if index == len(calls):
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call = calls[index]
    call["id"] = part.id or call["id"]
    if part.function:
        call["function"]["name"] += part.function.name or ""
        call["function"]["arguments"] += part.function.arguments or ""
