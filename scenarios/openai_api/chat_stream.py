"""Convert a chat completion to the stream of chunks in which the Chat Completions API sends it.

Everything that the completion has is carried over: all choices, token details, log probabilities,
annotations, and fields of other makers. `stream_assembly.py` is the way back.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

STREAM_PIECE = re.compile(r"\s*\S{1,16}|\s+")
"""The pieces in which a text is streamed."""
ARGUMENTS_PIECE_CHARS = 12
"""The size of the pieces in which a tool call's arguments are streamed."""
TEXT_KEYS = ("reasoning_content", "reasoning", "content", "refusal")
"""The texts of a message, in the order in which they are streamed."""
DONE_FRAME = b"data: [DONE]\n\n"

Delta = dict[str, Any]


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
