"""What grows from the events of a stream: a chat completion, or a response, as far as they came.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and …/responses-streaming
"""

from collections.abc import Mapping
from typing import Any

LAST = ("response.completed", "response.incomplete", "response.failed")
"""The events that end a streamed response, each with all of it."""


class GrownChat:
    """A chat completion, of its chunks: `body` has the shape that it has where it is not streamed.

    `whole` is whether each of its choices has said why it ended.
    """

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    @property
    def whole(self) -> bool:
        choices = self._choices.values()
        return bool(choices) and all(choice["finish_reason"] for choice in choices)

    def take(self, chunk: Mapping[str, Any]) -> None:
        """Add what a chunk says. Raises what comes of a chunk that is none."""
        for key in ("id", "model", "usage"):
            if chunk.get(key):
                self.body[key] = chunk[key]
        for part in chunk.get("choices") or ():
            at = part.get("index", 0)
            new = {"index": at, "finish_reason": None, "message": {"role": "assistant"}}
            choice = self._choices.setdefault(at, new)
            self.body["choices"] = [self._choices[index] for index in sorted(self._choices)]
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            _add(choice["message"], part.get("delta") or {})


class GrownResponse:
    """A response, of its events; `whole` once the last of them, which has all of it, has come."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.whole = False
        self._items: dict[int, dict[str, Any]] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Add what an event says. Raises what comes of an event that is none."""
        kind, at = event["type"].removeprefix("response."), event.get("output_index", 0)
        if "response" in event:
            self.body = {"output": []} | event["response"]
            self.whole = event["type"] in LAST
        elif kind in ("output_item.added", "output_item.done"):
            self._items[at] = dict(event["item"])
        elif kind == "function_call_arguments.delta":
            self._items[at]["arguments"] += event["delta"]
        elif kind in ("content_part.added", "content_part.done"):
            parts = self._items[at].setdefault("content", [])
            parts[event["content_index"] :] = [dict(event["part"])]
        elif kind in ("output_text.delta", "refusal.delta"):
            part = self._items[at]["content"][event["content_index"]]
            part["refusal" if kind == "refusal.delta" else "text"] += event["delta"]
        if not self.whole and self._items:
            self.body["output"] = [self._items[index] for index in sorted(self._items)]


def _add(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Add to a message what a chunk says of it: text is joined to text, a call to its call."""
    for key, said in delta.items():
        if key == "tool_calls":
            calls = message.setdefault("tool_calls", [])
            for part in said or ():
                _add_call(calls, part)
        elif isinstance(said, str) and key != "role":
            message[key] = (message.get(key) or "") + said
        elif said is not None:
            message[key] = said


def _add_call(calls: list[dict[str, Any]], part: Mapping[str, Any]) -> None:
    at = part.get("index", 0)
    while len(calls) <= at:
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call, function = calls[at], part.get("function") or {}
    call["id"] = part.get("id") or call["id"]
    for key in ("name", "arguments"):
        call["function"][key] += function.get(key) or ""
