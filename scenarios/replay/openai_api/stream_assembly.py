"""Assemble a streamed response (server-sent events) into the body of an unstreamed one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from scenarios.replay.openai_api.chat_completion import TEXT_KEYS

FINAL_EVENTS = ("response.completed", "response.incomplete", "response.failed")
"""The events that end a stream of the Responses API; each holds the complete response."""
WHOLE_KEYS = frozenset({"format", "id", "index", "role", "signature", "type"})
"""Strings that come whole, perhaps in each chunk; other strings come in pieces."""


def assemble_stream(frames: Iterable[str]) -> dict[str, Any]:
    """Return the body of a stream; frames of an unknown shape are skipped.

    Chunks of a chat are joined to a `chat.completion`, with all choices and fields. In a stream of
    the Responses API, the final event holds the complete response.
    """
    body: dict[str, Any] = {"object": "chat.completion"}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in filter(None, map(_parse_frame, frames)):
        if chunk.get("type") in FINAL_EVENTS and isinstance(chunk.get("response"), dict):
            return dict(chunk["response"])
        body |= {
            key: value
            for key, value in chunk.items()
            if key not in ("choices", "object", "obfuscation") and value is not None
        }
        for part in _dicts(chunk.get("choices")):
            index = _index(part)
            _add_part(choices.setdefault(index, _empty_choice(index)), part)
    for choice in choices.values():
        if calls := choice["message"].get("tool_calls"):
            ordered_calls = sorted(calls, key=_index)
            choice["message"]["tool_calls"] = [_without_index(call) for call in ordered_calls]
    ordered = [choices[index] for index in sorted(choices)] or [_empty_choice(0)]
    return body | {"choices": ordered}


def _empty_choice(index: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": None}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": None}


def _parse_frame(frame: str) -> dict[str, Any] | None:
    """Return the JSON object of an event, or None."""
    # `splitlines` would also split at characters that JSON may contain, such as U+2028.
    lines = re.split(r"\r\n|\n|\r", frame.removeprefix("\ufeff"))
    data = "\n".join(line.removeprefix("data:").strip() for line in lines if line[:5] == "data:")
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return chunk if isinstance(chunk, dict) else None


def _add_part(choice: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Add a choice of a chunk to the choice of the completion."""
    for delta in _dicts([part.get("delta")]):
        # Text of an unknown shape would make the message invalid.
        odd = {key for key in TEXT_KEYS if not isinstance(delta.get(key), str)}
        _merge(choice["message"], {key: delta[key] for key in delta.keys() - odd})
    _merge(choice, {key: part[key] for key in part.keys() - {"delta", "index", "finish_reason"}})
    choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]


def _merge(target: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Add a part to `target`: join texts, merge objects, and merge lists by the items' `index`."""
    for key, value in part.items():
        before = target.get(key)
        if value is None or (key in WHOLE_KEYS and before and not value):
            continue
        if isinstance(value, str) and isinstance(before, str) and key not in WHOLE_KEYS:
            target[key] = before + value
        elif isinstance(value, dict):
            target[key] = dict(before) if isinstance(before, dict) else {}
            _merge(target[key], value)
        elif isinstance(value, list):
            target[key] = before if isinstance(before, list) else []
            _merge_items(target[key], value)
        else:
            target[key] = value


def _merge_items(items: list[Any], parts: list[Any]) -> None:
    for part in parts:
        if not isinstance(part, dict):
            items.append(part)
            continue
        item = next((one for one in reversed(items) if _continues(part, one)), None)
        if item is None:
            item = {}
            items.append(item)
        _merge(item, part)


def _continues(part: Mapping[str, Any], item: Any) -> bool:
    """Return whether a part belongs to an item that has begun.

    Some endpoints send tool calls without an index, or all with the same one; then a new id begins
    a new call.
    """
    if not isinstance(item, dict) or part.get("id") not in (None, "", item.get("id")):
        return False
    if part.get("index") is None:
        return "function" in part and not part.get("id")
    return bool(item.get("index") == part["index"])


def _index(part: Any) -> int:
    index = part.get("index") if isinstance(part, dict) else None
    return index if isinstance(index, int) else 0


def _without_index(call: Any) -> Any:
    """A tool call has an index in a stream only."""
    return {key: call[key] for key in call if key != "index"} if isinstance(call, dict) else call


def _dicts(values: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; an endpoint may send anything in their place."""
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, dict))
