"""A conversation: its session, its user, its turns, and how a completion becomes an answer."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

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
