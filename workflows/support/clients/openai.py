"""Create the `openai` client of one agent, and read its reply from a chat completion."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

from instrumentation import traced_http_client
from workflows.model import AGENT_HEADER, Model, TruncatedAnswerError

TRUNCATIONS = {
    "length": "the model reached its token limit",
    "content_filter": "a content filter stopped the answer",
}
"""The finish reasons of an answer that is not complete."""


class InvalidReplyError(Exception):
    """Raised when an endpoint's answer to a request contains no message."""


def openai_client(model: Model, agent: str) -> AsyncOpenAI:
    """Create a client that sends the agent's name and records failed requests in the trace.

    Use it as an async context manager, which closes its connections.
    """
    return AsyncOpenAI(
        base_url=model.base_url,
        api_key=model.api_key,
        default_headers={AGENT_HEADER: agent},
        http_client=traced_http_client(),
        timeout=model.timeout_s,
        max_retries=model.max_retries,
    )


def to_plain_data(completion: object) -> Mapping[str, Any]:
    """Convert a completion to JSON data that can be stored and sent on.

    The OpenAI client returns a str if the endpoint answered with something other than JSON: that
    becomes `{"text": …}`. Half a surrogate pair, which no store accepts, becomes a question mark.
    """
    data = completion.to_dict() if isinstance(completion, ChatCompletion) else {"text": completion}
    encoded = json.dumps(data, ensure_ascii=False).encode(errors="replace")
    plain: Mapping[str, Any] = json.loads(encoded)
    return plain


def require_complete(finish_reason: str | None, text: str) -> None:
    """Raise `TruncatedAnswerError` if the finish reason means that the text was cut."""
    if reason := TRUNCATIONS.get(finish_reason or ""):
        raise TruncatedAnswerError(f"{reason} after {len(text)} characters")


@dataclass(frozen=True)
class ToolCall:
    """A call that a model asks for; `arguments` is text that the model wrote, often JSON."""

    id: str
    name: str
    arguments: str

    @property
    def function(self) -> dict[str, str]:
        return {"name": self.name, "arguments": self.arguments}


@dataclass(frozen=True)
class Reply:
    """A model's answer to one request: text, tool calls, or a refusal."""

    text: str
    calls: tuple[ToolCall, ...]
    refusal: str

    @classmethod
    def from_completion(cls, completion: Mapping[str, Any]) -> "Reply":
        """Read the first choice of a completion.

        Raises `InvalidReplyError` if it has no message, and `TruncatedAnswerError` if the answer is
        cut: then its tool calls may be cut too.
        """
        choices = completion.get("choices") or ()
        if not choices or not (message := choices[0].get("message")):
            raise InvalidReplyError(
                f"the endpoint's answer has no message: {str(completion)[:200]}"
            )
        text = message.get("content") or ""
        require_complete(choices[0].get("finish_reason"), text)
        calls = tuple(_read_call(call, n) for n, call in enumerate(message.get("tool_calls") or ()))
        return cls(text, calls, message.get("refusal") or "")

    @property
    def message(self) -> Mapping[str, Any]:
        """The reply as a message of the conversation, without any fields that endpoints add."""
        calls = [
            {"id": call.id, "type": "function", "function": call.function} for call in self.calls
        ]
        return {
            "role": "assistant",
            "content": self.text or None,
            **({"tool_calls": calls} if calls else {}),
        }


def _read_call(call: Mapping[str, Any], number: int) -> ToolCall:
    """A call with everything that the answer to it needs, even if the endpoint left out its id."""
    function = call.get("function") or {}
    name, arguments = (function.get(key) or "" for key in ("name", "arguments"))
    return ToolCall(call.get("id") or f"call_{number}", name, arguments)
