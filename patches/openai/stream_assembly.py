"""What grows from the events of a stream: a chat completion, or a response, as far as they came.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and …/responses-streaming
"""

from collections.abc import Mapping
from typing import Any

FINAL_EVENTS = ("response.completed", "response.incomplete", "response.failed")
"""The events that end a streamed response, each with all of it."""


class ChatAssembler:
    """A chat completion, of its chunks: `body` has the shape that it has where it is not streamed.

    `whole` is whether each of its choices has said why it ended.
    """

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._messages: dict[int, _MessageAssembler] = {}

    @property
    def is_complete(self) -> bool:
        choices = self._choices.values()
        return bool(choices) and all(choice["finish_reason"] for choice in choices)

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Add what a chunk says. Raises what comes of a chunk that is none."""
        for key in ("id", "model", "usage"):
            if chunk.get(key):
                self.body[key] = chunk[key]
        for part in chunk.get("choices") or ():
            at = part.get("index", 0)
            if at not in self._choices:
                self._messages[at] = message = _MessageAssembler()
                choice = {"index": at, "finish_reason": None, "message": message.body}
                self._choices[at] = choice
                self.body.setdefault("choices", []).append(choice)
            choice = self._choices[at]
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            self._messages[at].add(part.get("delta") or {})


class ResponseAssembler:
    """A response, of its events; `whole` once the last of them, which has all of it, has come."""

    def __init__(self) -> None:
        self.is_complete = False
        self._told: dict[str, Any] = {}
        self._items: dict[int, dict[str, Any]] = {}

    @property
    def body(self) -> dict[str, Any]:
        grown = self._items and not self.is_complete
        return self._told | ({"output": list(self._items.values())} if grown else {})

    def add(self, event: Mapping[str, Any]) -> None:
        """Add what an event says. Raises what comes of an event that is none."""
        kind, at = event["type"].removeprefix("response."), event.get("output_index", 0)
        if "response" in event:
            self._told = {"output": []} | event["response"]
            self.is_complete = event["type"] in FINAL_EVENTS
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


class _MessageAssembler:
    """A message, of what the chunks say of it: text is joined to text, a call to its call."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {"role": "assistant"}
        self._calls: dict[Any, dict[str, Any]] = {}

    def add(self, delta: Mapping[str, Any]) -> None:
        for key, said in delta.items():
            if key == "tool_calls":
                for part in said or ():
                    self._add_call(part)
            elif said is not None:
                self.body[key] = said if key == "role" else _merge(self.body.get(key), said)

    def _add_call(self, part: Mapping[str, Any]) -> None:
        """Parts of a call share an index. Where none is told, or one for all, a name begins one."""
        at, id, function = part.get("index"), part.get("id"), part.get("function") or {}
        call = self._calls.get(at)
        if call is None or (id and id != call["id"] and function.get("name")):
            call = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
            self.body.setdefault("tool_calls", []).append(call)
            self._calls[at] = call
        call["id"] = id or call["id"]
        for key in ("name", "arguments"):
            call["function"][key] += function.get(key) or ""


def _merge(before: Any, said: Any) -> Any:
    """What was said of a key, and what is said of it now; of two kinds, the later."""
    if isinstance(before, dict) and isinstance(said, dict):
        return before | {key: _merge(before.get(key), value) for key, value in said.items()}
    alike = isinstance(said, str | list) and isinstance(before, type(said))
    return before + said if alike else said
