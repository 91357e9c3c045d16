"""Assemble a streamed response (server-sent events) into the body of an unstreamed one."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

FINAL_EVENTS = ("response.completed", "response.incomplete", "response.failed")
"""The events that end a stream of the Responses API; each holds the complete response."""


def assemble_stream(frames: Iterable[str]) -> dict[str, Any]:
    """Return the body of a stream; frames of an unknown shape are skipped.

    Chunks of a chat are joined to a `chat.completion`. In a stream of the Responses API, the final
    event holds the complete response.
    """
    body: dict[str, Any] = {"object": "chat.completion"}
    message: dict[str, Any] = {"role": "assistant", "content": None}
    calls: dict[int, dict[str, Any]] = {}
    finish_reason = None
    for chunk in filter(None, map(_parse_frame, frames)):
        if chunk.get("type") in FINAL_EVENTS and isinstance(chunk.get("response"), dict):
            return dict(chunk["response"])
        body |= {key: chunk[key] for key in ("id", "created", "model") if key in chunk}
        if isinstance(chunk.get("usage"), dict):
            body["usage"] = chunk["usage"]
        for choice in _dicts(chunk.get("choices")):
            if choice.get("index", 0) == 0:
                for delta in _dicts([choice.get("delta")]):
                    _apply_delta(delta, message, calls)
                finish_reason = choice.get("finish_reason") or finish_reason
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return body | {"choices": [choice]}


def _parse_frame(frame: str) -> dict[str, Any] | None:
    """Return the JSON object of an event, or None."""
    # `splitlines` would also split at characters that JSON may contain, such as U+2028.
    lines = re.split(r"\r\n|\n|\r", frame)
    data = "\n".join(line.removeprefix("data:").strip() for line in lines if line[:5] == "data:")
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return chunk if isinstance(chunk, dict) else None


def _apply_delta(
    delta: dict[str, Any], message: dict[str, Any], calls: dict[int, dict[str, Any]]
) -> None:
    for key in ("content", "reasoning_content", "refusal"):
        if isinstance(delta.get(key), str):
            message[key] = (message.get(key) or "") + delta[key]
    for part in _dicts(delta.get("tool_calls")):
        index = part.get("index")
        empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        call = calls.setdefault(index if isinstance(index, int) else 0, empty)
        call["id"] = part.get("id") or call["id"]
        for function in _dicts([part.get("function")]):
            for key in ("name", "arguments"):
                if isinstance(function.get(key), str):
                    call["function"][key] += function[key]


def _dicts(values: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; an endpoint may send anything in their place."""
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, dict))
