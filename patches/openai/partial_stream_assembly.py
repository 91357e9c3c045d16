"""Assemble a streamed chat completion or response from its events, as far as they arrived.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and …/responses-streaming
"""

from collections.abc import Mapping
from typing import Any

FINAL_EVENTS = ("response.completed", "response.incomplete", "response.failed")
"""The events that end a streamed response; each contains the whole response.

Some endpoints leave the output out of it, which was sent before.
"""
ITEM_DELTAS = {
    "function_call_arguments.delta": "arguments",
    "mcp_call_arguments.delta": "arguments",
    "custom_tool_call_input.delta": "input",
    "code_interpreter_call_code.delta": "code",
}
"""Events that continue a text of an output item, and the item's field."""
PART_EVENTS = {
    "content_part.added": "content",
    "content_part.done": "content",
    "reasoning_summary_part.added": "summary",
    "reasoning_summary_part.done": "summary",
}
"""Events that contain a part of an output item, and the item's list of parts."""
PART_DELTAS = {
    "output_text.delta": ("content", "text"),
    "refusal.delta": ("content", "refusal"),
    "reasoning_text.delta": ("content", "text"),
    "reasoning_summary_text.delta": ("summary", "text"),
}
"""Events that continue a text of a part: the item's list of parts, and the part's field."""
CALL_FIELDS = {"function": ("name", "arguments"), "custom": ("name", "input")}
"""The types of tool calls in a chat completion, and the texts of each."""
UNDIVIDED_KEYS = ("id", "type", "role", "format")
"""Texts that are sent whole, and by some endpoints with each chunk."""


class ChatAssembler:
    """Assembles a chat completion, or a completion of the legacy API, from chunks.

    `body` is the completion so far, in the format of a completion that is not streamed.
    """

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._messages: dict[int, _MessageAssembler] = {}

    @property
    def is_complete(self) -> bool:
        """Whether each choice has a finish reason."""
        choices = self._choices.values()
        return bool(choices) and all(choice["finish_reason"] for choice in choices)

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Add a chunk. A malformed chunk may raise anything in `MALFORMED_REPLY_ERRORS`."""
        for key in ("id", "model", "usage"):
            if chunk.get(key):
                self.body[key] = chunk[key]
        if usage := (chunk.get("x_groq") or {}).get("usage"):  # Groq's place for it
            self.body["usage"] = usage
        for part in chunk.get("choices") or ():
            index = part.get("index", 0)
            if index not in self._choices:
                self._add_choice(index, is_chat="text" not in part)
            choice = self._choices[index]
            for key, value in part.items():
                if key not in ("index", "delta", "text") and value is not None:
                    choice[key] = _merge(choice.get(key), value, appends_text=False)
            if "text" in choice:
                choice["text"] += part.get("text") or ""
            else:
                self._messages[index].add(part.get("delta") or {})

    def _add_choice(self, index: int, *, is_chat: bool) -> None:
        """Start a choice, which holds a message, or text in the legacy API for completions."""
        choice: dict[str, Any] = {"index": index, "finish_reason": None}
        if is_chat:
            self._messages[index] = message = _MessageAssembler()
            choice["message"] = message.body
        else:
            choice["text"] = ""
        self._choices[index] = choice
        self.body.setdefault("choices", []).append(choice)


class ResponseAssembler:
    """Assembles a response of the Responses API from its events."""

    def __init__(self) -> None:
        self.is_complete = False  # until the final event, which contains the whole response
        self._response: dict[str, Any] = {}
        self._items: dict[int, dict[str, Any]] = {}

    @property
    def body(self) -> dict[str, Any]:
        """The response so far, in the format of a response that is not streamed."""
        is_partial = self._items and not (self.is_complete and self._response.get("output"))
        return self._response | ({"output": list(self._items.values())} if is_partial else {})

    def add(self, event: Mapping[str, Any]) -> None:
        """Add an event. A malformed event may raise anything in `MALFORMED_REPLY_ERRORS`."""
        kind, index = event["type"].removeprefix("response."), event.get("output_index", 0)
        if "response" in event:
            self._response = {"output": []} | event["response"]
            self.is_complete = event["type"] in FINAL_EVENTS
        elif kind in ("output_item.added", "output_item.done"):
            self._items[index] = dict(event["item"])
        elif kind in ITEM_DELTAS:
            _append(self._items[index], ITEM_DELTAS[kind], event["delta"])
        elif kind in PART_EVENTS:
            parts = self._items[index].setdefault(PART_EVENTS[kind], [])
            parts[event[f"{PART_EVENTS[kind]}_index"] :] = [dict(event["part"])]
        elif kind in PART_DELTAS:
            parts_key, field = PART_DELTAS[kind]
            part = self._items[index][parts_key][event[f"{parts_key}_index"]]
            _append(part, field, event["delta"])


class _MessageAssembler:
    """Assembles a chat message from deltas: text is appended to text, arguments to their call."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {"role": "assistant"}
        self._calls: dict[Any, dict[str, Any]] = {}

    def add(self, delta: Mapping[str, Any]) -> None:
        for key, value in delta.items():
            if key == "tool_calls":
                for part in value or ():
                    self._add_call(part)
            elif value is not None:
                is_undivided = key in UNDIVIDED_KEYS
                self.body[key] = value if is_undivided else _merge(self.body.get(key), value)

    def _add_call(self, part: Mapping[str, Any]) -> None:
        """Add a part of a tool call to the call with the same index.

        Some endpoints send no index, or the same one for all calls; then a new name starts a call.
        """
        index, id = part.get("index"), part.get("id")
        kind = "custom" if "custom" in part or part.get("type") == "custom" else "function"
        texts = part.get(kind) or {}
        call = self._calls.get(index)
        if call is None or (id and id != call["id"] and texts.get("name")):
            call = {"id": "", "type": kind, kind: dict.fromkeys(CALL_FIELDS[kind], "")}
            self.body.setdefault("tool_calls", []).append(call)
            self._calls[index] = call
        call["id"] = id or call["id"]
        for key in CALL_FIELDS[kind] if texts else ():
            _append(call[kind], key, texts.get(key))


def _append(target: dict[str, Any], key: str, text: str | None) -> None:
    """Continue a text, which may be missing or null so far."""
    target[key] = (target.get(key) or "") + (text or "")


def _merge(old: Any, new: Any, *, appends_text: bool = True) -> Any:
    """Append text and lists, merge objects; a value of another type replaces the old one.

    Null replaces nothing.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {
            key: _merge(
                old.get(key), value, appends_text=appends_text and key not in UNDIVIDED_KEYS
            )
            for key, value in new.items()
        }
    can_append = isinstance(new, list) or (appends_text and isinstance(new, str))
    if can_append and isinstance(old, type(new)):
        return old + new
    return old if new is None else new
