"""An answer: what the events of a stream come to, in the shape of a chat completion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDelta, ChoiceDeltaToolCall

from workflows.model import AnswerCutShort


class NoEvent(ValueError):
    """Raised when what an endpoint sends in a stream is no event of a chat completion."""


class NoAnswer(Exception):
    """Raised when a reply came whole, and there is nothing in it to read."""


@dataclass(frozen=True)
class Answer:
    """What the model said, and whether that is an answer or its refusal to give one."""

    outcome: Literal["answered", "refused"]
    text: str


def event(sent: object) -> ChatCompletionChunk:
    """What an endpoint sent, as the event that it should be. Raises `NoEvent` where it is none:
    OpenAI's client takes any JSON for one."""
    if not isinstance(sent, ChatCompletionChunk):
        raise NoEvent(f"the endpoint sent {str(sent)[:80]!r} for an event")
    for delta in _deltas(sent):
        for said in (delta.content, delta.refusal):
            if not isinstance(said, str | None):
                raise NoEvent(f"the endpoint sent {str(said)[:80]!r} for a text")
    return sent


def joined(events: Iterable[ChatCompletionChunk]) -> dict[str, Any]:
    """The completion that the events spell, as far as they came.

    One choice, whose `finish_reason` is None where the model was not done; no `usage` where the
    endpoint sent none. The usage comes last, in an event without choices.
    """
    message: dict[str, Any] = {"role": "assistant", "content": None}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": None}
    completion: dict[str, Any] = {"object": "chat.completion", "choices": [choice]}
    for event in events:
        completion |= {"id": event.id, "model": event.model}
        if event.usage:
            completion["usage"] = event.usage.to_dict()
        for said in event.choices or ():
            _add(said.delta, message)
            choice["finish_reason"] = said.finish_reason or choice["finish_reason"]
    for key in {"content", "refusal"} & message.keys():
        message[key] = message[key] and _mended(message[key])
    return completion


def piece(event: ChatCompletionChunk) -> str:
    """The text that an event adds to an answer; empty for those of role, finish and usage."""
    return "".join(delta.content or delta.refusal or "" for delta in _deltas(event))


def finished(completion: Mapping[str, Any]) -> None:
    """Raises `AnswerCutShort` for a completion whose model was not done with it."""
    (choice,) = completion["choices"]
    if choice["finish_reason"] is None:
        said = len(choice["message"]["content"] or "")
        raise AnswerCutShort(f"the stream ended after {said} characters")


def whole(completion: Mapping[str, Any]) -> Answer:
    """The answer of a finished completion. Raises `AnswerCutShort` where it was stopped, and
    `NoAnswer` where there is none."""
    (choice,) = completion["choices"]
    message, finish = choice["message"], choice["finish_reason"]
    text = message["content"] or ""
    if finish in STOPPED:
        raise AnswerCutShort(f"{STOPPED[finish]} after {len(text)} characters")
    if calls := message.get("tool_calls"):
        named = ", ".join(call["function"]["name"] for call in calls)
        raise NoAnswer(f"the model called {named}, and it was given no tool")
    if refusal := message.get("refusal"):
        return Answer("refused", refusal)
    if not text.strip():
        raise NoAnswer(f"the model said nothing, and gave {finish!r} for its reason to stop")
    return Answer("answered", text)


STOPPED = {
    "length": "the model reached its token limit",
    "content_filter": "the endpoint's filter stopped the answer",
}
"""The reasons to finish with which an answer is not whole."""


def _deltas(event: ChatCompletionChunk) -> list[ChoiceDelta]:
    return [said.delta for said in event.choices or () if said.delta]


def _mended(text: str) -> str:
    """The text with its halves of surrogates put together, as where a sign was cut between two
    events; a half alone, which no store and no request can hold, is a replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _add(delta: ChoiceDelta | None, message: dict[str, Any]) -> None:
    if delta is None:  # some endpoints send none with the finish reason
        return
    for key in ("content", "refusal"):
        if (text := getattr(delta, key)) is not None:
            message[key] = (message.get(key) or "") + text
    for part in delta.tool_calls or ():
        _add_call(part, message.setdefault("tool_calls", []))


def _add_call(part: ChoiceDeltaToolCall, calls: list[dict[str, Any]]) -> None:
    """A call comes in parts too: its name first, then its arguments, piece by piece. Endpoints that
    send calls whole number none of them."""
    at = part.index if isinstance(part.index, int) and 0 <= part.index < len(calls) else len(calls)
    if at == len(calls):
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call = calls[at]
    call["id"] = part.id or call["id"]
    if part.function:
        call["function"]["name"] += part.function.name or ""
        call["function"]["arguments"] += part.function.arguments or ""
