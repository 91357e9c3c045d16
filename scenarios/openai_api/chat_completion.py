"""A model's reply, and its form in the Chat Completions API."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scenarios.tape.request import to_sorted_json

TOKEN = re.compile(r"\w+|[^\w\s]")
"""A token of a taped model: a word or a punctuation mark."""


@dataclass(frozen=True)
class ToolCall:
    """A tool call; `arguments` is JSON, or malformed text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ModelReply:
    """A reply of a model to one request, independent of the API that transports it."""

    id: str
    model: str
    content: str | None
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    input_tokens: int
    output_tokens: int
    reasoning_content: str | None = None
    refusal: str | None = None


def build_chat_completion(reply: ModelReply) -> dict[str, Any]:
    """Return a `chat.completion` with one choice."""
    choice = {
        "index": 0,
        "message": _message(reply),
        "logprobs": None,
        "finish_reason": reply.finish_reason,
    }
    usage = {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }
    head = {"id": reply.id, "object": "chat.completion", "created": 0, "model": reply.model}
    return head | {"choices": [choice], "usage": usage}


def parse_chat_completion(body: Any) -> ModelReply | None:
    """Return the first reply in a recorded body; None if the body is not a chat completion."""
    try:
        choice = body["choices"][0]
        message = choice["message"]
        usage = body.get("usage") or {}
        return ModelReply(
            id=body.get("id") or "recorded",
            model=body.get("model") or "recorded",
            content=message.get("content"),
            tool_calls=tuple(_parse_recorded_calls(message)),
            finish_reason=choice.get("finish_reason") or "stop",
            input_tokens=usage.get("prompt_tokens", 0),
            output_tokens=usage.get("completion_tokens", 0),
            reasoning_content=message.get("reasoning_content"),
            refusal=message.get("refusal"),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _parse_recorded_calls(message: Mapping[str, Any]) -> Iterator[ToolCall]:
    """Yield the tool calls of a message: of functions, custom ones, and the deprecated form."""
    for call in message.get("tool_calls") or ():
        if "custom" in call:
            yield ToolCall(call["id"], call["custom"]["name"], call["custom"]["input"])
        else:
            yield ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
    if function := message.get("function_call"):
        yield ToolCall("", function["name"], function["arguments"])


def parse_tool_call(taped_call: Mapping[str, Any], default_id: str) -> ToolCall:
    """Return a tool call of a scripted line, whose arguments are an object or a string."""
    arguments = taped_call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else to_sorted_json(arguments)
    return ToolCall(taped_call.get("id", default_id), taped_call["name"], text)


def count_tokens(*texts: str | None) -> int:
    """Count words and punctuation marks: a simple measure that grows with the text."""
    return sum(len(TOKEN.findall(text)) for text in texts if text)


def _message(reply: ModelReply) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.content,
        "refusal": reply.refusal,
    }
    if reply.reasoning_content is not None:
        message["reasoning_content"] = reply.reasoning_content
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.tool_calls
        ]
    return message
