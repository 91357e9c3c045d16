"""A stream: a chat completion in server-sent events, put together again into one body."""

from collections.abc import Iterable
from typing import Any

import orjson


def assembled(frames: Iterable[str]) -> dict[str, Any]:
    """The `chat.completion` that the frames spell; whatever is no chunk of one is passed over."""
    body: dict[str, Any] = {"object": "chat.completion"}
    message: dict[str, Any] = {"role": "assistant", "content": None}
    calls: dict[int, dict[str, Any]] = {}
    finish_reason = None
    for chunk in filter(None, map(_chunk, frames)):
        body |= {key: chunk[key] for key in ("id", "created", "model") if key in chunk}
        if isinstance(chunk.get("usage"), dict):
            body["usage"] = chunk["usage"]
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) == 0:
                _take(choice.get("delta") or {}, message, calls)
                finish_reason = choice.get("finish_reason") or finish_reason
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return body | {"choices": [choice]}


def _chunk(frame: str) -> dict[str, Any] | None:
    data = "\n".join(
        line.removeprefix("data:").strip() for line in frame.splitlines() if line[:5] == "data:"
    )
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return chunk if isinstance(chunk, dict) else None


def _take(delta: dict[str, Any], message: dict[str, Any], calls: dict[int, dict[str, Any]]) -> None:
    for key in ("content", "reasoning_content", "refusal"):
        if delta.get(key) is not None:
            message[key] = (message.get(key) or "") + delta[key]
    for part in delta.get("tool_calls") or ():
        empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        call = calls.setdefault(part.get("index", 0), empty)
        call["id"] = part.get("id") or call["id"]
        function = part.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""
