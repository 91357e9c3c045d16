"""A model's reply, and its forms in the Chat Completions API: a completion or a stream of chunks.

Everything that the completion has is carried over: all choices, token details, log probabilities,
annotations, and fields of other makers. `stream_assembly.py` is the way back.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scenarios.tape.requests.request import to_sorted_json

TOKEN = re.compile(r"\w+|[^\w\s]")
"""A token of a taped model: a word or a punctuation mark."""

STREAM_PIECE = re.compile(r"\s*\S{1,16}|\s+")
"""The pieces in which a text is streamed."""
ARGUMENTS_PIECE_CHARS = 12
"""The size of the pieces in which a tool call's arguments are streamed."""
TEXT_KEYS = ("reasoning_content", "reasoning", "content", "refusal")
"""The texts of a message, in the order in which they are streamed."""
DONE_FRAME = b"data: [DONE]\n\n"
Delta = dict[str, Any]


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


def stream_chat_completion(
    completion: Mapping[str, Any], includes_usage: bool
) -> tuple[list[bytes], int]:
    """Return the server-sent events, and how many of them mark the end.

    For each choice its role and pieces; then the finish reasons, usage if requested, [DONE].
    """
    head = {key: value for key, value in completion.items() if key not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    usage = completion.get("usage")
    if includes_usage:
        head["usage"] = None
    parts: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    for choice in completion["choices"]:
        common = {"index": choice.get("index", 0), "delta": {}, "logprobs": None}
        parts += [common | {"delta": delta} for delta in _deltas(choice["message"])]
        if choice.get("logprobs") is not None:
            parts.append(common | {"logprobs": choice["logprobs"]})
        end = {key: value for key, value in choice.items() if key not in (*common, "message")}
        ends.append(common | {"finish_reason": None} | end)
    chunks = [head | {"choices": [part | {"finish_reason": None}]} for part in parts]
    chunks += [head | {"choices": [end]} for end in ends]
    if includes_usage and usage is not None:
        chunks.append(head | {"choices": [], "usage": usage})
    frames = [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks] + [DONE_FRAME]
    return frames, len(frames) - len(parts)


def _deltas(message: Mapping[str, Any]) -> Iterator[Delta]:
    """Yield the pieces of a message. Raises `TypeError` for a text that is not a string."""
    content = message.get("content")
    yield {"role": message.get("role", "assistant"), "content": None if content is None else ""}
    for key in TEXT_KEYS:
        for piece in STREAM_PIECE.findall(message.get(key) or ""):
            yield {key: piece}
    for index, call in enumerate(message.get("tool_calls") or ()):
        for part in _fragments(call, "function", "arguments"):
            yield {"tool_calls": [{"index": index} | part]}
    yield from _fragments(message, "function_call", "arguments", only=True)
    streamed = {"role", *TEXT_KEYS, "tool_calls", "function_call"}
    rest = {key: message[key] for key in message.keys() - streamed if message[key] is not None}
    if rest:
        yield rest


def _fragments(
    value: Mapping[str, Any], key: str, text_key: str, *, only: bool = False
) -> Iterator[Delta]:
    """Yield `value`, or its field `key` only, with the text of that field in pieces after it."""
    function = value.get(key)
    if not isinstance(function, Mapping):
        if not only:
            yield dict(value)
        return
    opening = {key: {**function, text_key: ""}}
    yield opening if only else {**value, **opening}
    for piece in arguments_pieces(function[text_key]):
        yield {key: {text_key: piece}}


def arguments_pieces(arguments: str) -> Iterator[str]:
    """Split a tool call's arguments into the pieces in which they are streamed."""
    for start in range(0, len(arguments), ARGUMENTS_PIECE_CHARS):
        yield arguments[start : start + ARGUMENTS_PIECE_CHARS]
