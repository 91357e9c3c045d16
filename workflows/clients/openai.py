"""A reply: what a model answers to one request, text or tool calls, as plain data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletion

from workflows.model import AnswerCutShort

CUT = {
    "length": "the model reached its token limit",
    "content_filter": "a filter stopped the model",
}
"""Reasons to finish that leave half an answer."""


class NoReply(Exception):
    """Raised when an endpoint answers a request with something that holds no message."""


def plain(completion: object) -> Mapping[str, Any]:
    """A completion as data that can be sent on and stored: without half a surrogate. An endpoint
    that answers with no JSON leaves OpenAI's client with a text, and no error."""
    said = completion.to_dict() if isinstance(completion, ChatCompletion) else {"text": completion}
    told: Mapping[str, Any] = json.loads(
        json.dumps(said, ensure_ascii=False).encode(errors="replace")
    )
    return told


@dataclass(frozen=True)
class Reply:
    """What the model said, and the calls that it asks for: {"id", "type", "function": {…}}."""

    text: str
    calls: Sequence[Mapping[str, Any]]
    refusal: str

    @classmethod
    def of(cls, completion: Mapping[str, Any]) -> "Reply":
        """The first choice of a completion. Raises `NoReply`, and `AnswerCutShort` after half an
        answer, whose calls may be cut in the middle too."""
        choices: Sequence[Mapping[str, Any]] = completion.get("choices") or ()
        if not choices or not (message := choices[0].get("message")):
            raise NoReply(f"the endpoint answered without a message: {str(completion)[:200]}")
        text = message.get("content") or ""
        if why := CUT.get(choices[0].get("finish_reason", "")):
            raise AnswerCutShort(f"{why} after {len(text)} characters")
        calls = [_call(call, n) for n, call in enumerate(message.get("tool_calls") or ())]
        return cls(text, calls, message.get("refusal") or "")

    @property
    def message(self) -> Mapping[str, Any]:
        """The reply as a turn of the conversation: what endpoints add to it is not sent back."""
        calls = {"tool_calls": self.calls} if self.calls else {}
        return {"role": "assistant", "content": self.text or None, **calls}


def _call(call: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """A call with all that the answer to it needs, whatever the endpoint left out."""
    function = call.get("function") or {}
    told = {key: function.get(key) or "" for key in ("name", "arguments")}
    return {"id": call.get("id") or f"call_{number}", "type": "function", "function": told}
