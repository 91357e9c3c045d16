"""A reply: what the model says to one chat request, as its API spells it, whole or in frames."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scenarios.tape.request import to_sorted_json

STREAM_PIECE = re.compile(r"\s*\S{1,16}|\s+")
TOKEN = re.compile(r"\w+|[^\w\s]")
DONE_FRAME = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class ToolCall:
    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ModelReply:
    """A chat completion with one choice; tokens are whole numbers, counted or as the tape says."""

    id: str
    model: str
    content: str | None
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    input_tokens: int
    output_tokens: int
    reasoning_content: str | None = None
    refusal: str | None = None

    @property
    def message(self) -> dict[str, Any]:
        """The assistant's message in the API's shape."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": self.content,
            "refusal": self.refusal,
        }
        if self.reasoning_content is not None:
            message["reasoning_content"] = self.reasoning_content
        if self.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        return message

    def to_body(self) -> bytes:
        """The reply whole: the JSON of a `chat.completion`."""
        choice = {
            "index": 0,
            "message": self.message,
            "logprobs": None,
            "finish_reason": self.finish_reason,
        }
        return orjson.dumps(
            self._head("chat.completion") | {"choices": [choice], "usage": self._usage()}
        )

    def to_frames(self, include_usage: bool) -> list[bytes]:
        """The reply as server-sent events: role, pieces, finish reason, usage if asked, [DONE]."""
        head = self._head("chat.completion.chunk")
        if include_usage:
            head["usage"] = None
        chunks = [head | {"choices": [_chunk_choice(delta)]} for delta in self._deltas()]
        chunks.append(head | {"choices": [_chunk_choice({}, self.finish_reason)]})
        if include_usage:
            chunks.append(head | {"choices": [], "usage": self._usage()})
        return [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks] + [DONE_FRAME]

    def _deltas(self) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": None if self.content is None else ""}
        for key in ("reasoning_content", "content", "refusal"):
            for piece in STREAM_PIECE.findall(getattr(self, key) or ""):
                yield {key: piece}
        for index, call in enumerate(self.tool_calls):
            named = {"name": call.name, "arguments": ""}
            opening = {"index": index, "id": call.id, "type": "function", "function": named}
            yield {"tool_calls": [opening]}
            for at in range(0, len(call.arguments), 12):
                fragment = {"arguments": call.arguments[at : at + 12]}
                yield {"tool_calls": [{"index": index, "function": fragment}]}

    def _head(self, object: str) -> dict[str, Any]:
        return {"id": self.id, "object": object, "created": 0, "model": self.model}

    def _usage(self) -> dict[str, int]:
        return usage_body(self.input_tokens, self.output_tokens)


def parse_chat_completion(body: Any) -> ModelReply | None:
    """The reply that a recorded body holds; None if it is no chat completion."""
    try:
        choice = body["choices"][0]
        message = choice["message"]
        spent = body.get("usage") or usage_body(0, 0)
        return ModelReply(
            id=body.get("id") or "recorded",
            model=body.get("model") or "recorded",
            content=message.get("content"),
            tool_calls=tuple(
                ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls") or ()
            ),
            finish_reason=choice.get("finish_reason") or "stop",
            input_tokens=spent["prompt_tokens"],
            output_tokens=spent["completion_tokens"],
            reasoning_content=message.get("reasoning_content"),
            refusal=message.get("refusal"),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _chunk_choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def usage_body(input_tokens: int, output_tokens: int) -> dict[str, int]:
    """Tokens as the API spells them."""
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
    }


def parse_tool_call(taped_call: Mapping[str, Any], default_id: str) -> ToolCall:
    """A tool call as a tape spells it: arguments are an object, or a string taken as it is."""
    arguments = taped_call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else to_sorted_json(arguments)
    return ToolCall(taped_call.get("id", default_id), taped_call["name"], text)


def count_tokens(*texts: str | None) -> int:
    """Words and punctuation marks: a plain measure that grows with the text."""
    return sum(len(TOKEN.findall(text)) for text in texts if text)
