"""A model's reply, and its form in the Chat Completions API: one body, or a stream of chunks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scenarios.tape.request import to_sorted_json

STREAM_PIECE = re.compile(r"\s*\S{1,16}|\s+")
"""The pieces in which a text is streamed."""
ARGUMENTS_PIECE_CHARS = 12
"""The size of the pieces in which a tool call's arguments are streamed."""
TOKEN = re.compile(r"\w+|[^\w\s]")
"""A token of a taped model: a word or a punctuation mark."""
DONE_FRAME = b"data: [DONE]\n\n"


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


def chat_body(reply: ModelReply) -> bytes:
    """Return the JSON body of a `chat.completion` with one choice."""
    choice = {
        "index": 0,
        "message": _message(reply),
        "logprobs": None,
        "finish_reason": reply.finish_reason,
    }
    head = _head(reply, "chat.completion")
    return orjson.dumps(head | {"choices": [choice], "usage": _usage(reply)})


def chat_frames(reply: ModelReply, includes_usage: bool) -> list[bytes]:
    """Return the server-sent events: role, pieces, finish reason, usage if requested, [DONE]."""
    head = _head(reply, "chat.completion.chunk")
    if includes_usage:
        head["usage"] = None
    chunks = [head | {"choices": [_chunk_choice(delta)]} for delta in _deltas(reply)]
    chunks.append(head | {"choices": [_chunk_choice({}, reply.finish_reason)]})
    if includes_usage:
        chunks.append(head | {"choices": [], "usage": _usage(reply)})
    return [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks] + [DONE_FRAME]


def parse_chat_completion(body: Any) -> ModelReply | None:
    """Return the reply in a recorded body; None if the body is not a chat completion."""
    try:
        choice = body["choices"][0]
        message = choice["message"]
        usage = body.get("usage") or {"prompt_tokens": 0, "completion_tokens": 0}
        return ModelReply(
            id=body.get("id") or "recorded",
            model=body.get("model") or "recorded",
            content=message.get("content"),
            tool_calls=tuple(
                ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls") or ()
            ),
            finish_reason=choice.get("finish_reason") or "stop",
            input_tokens=usage["prompt_tokens"],
            output_tokens=usage["completion_tokens"],
            reasoning_content=message.get("reasoning_content"),
            refusal=message.get("refusal"),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


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


def _deltas(reply: ModelReply) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": None if reply.content is None else ""}
    for key in ("reasoning_content", "content", "refusal"):
        for piece in STREAM_PIECE.findall(getattr(reply, key) or ""):
            yield {key: piece}
    for index, call in enumerate(reply.tool_calls):
        function = {"name": call.name, "arguments": ""}
        opening = {"index": index, "id": call.id, "type": "function", "function": function}
        yield {"tool_calls": [opening]}
        for piece in arguments_pieces(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def arguments_pieces(arguments: str) -> Iterator[str]:
    """Split a tool call's arguments into the pieces in which they are streamed."""
    for start in range(0, len(arguments), ARGUMENTS_PIECE_CHARS):
        yield arguments[start : start + ARGUMENTS_PIECE_CHARS]


def _chunk_choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _head(reply: ModelReply, object_type: str) -> dict[str, Any]:
    return {"id": reply.id, "object": object_type, "created": 0, "model": reply.model}


def _usage(reply: ModelReply) -> dict[str, int]:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }
