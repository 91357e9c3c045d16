"""Drift: a taped request and the real one differ; which message, and how.

Severities, mildest first: `text` (a message or setting reads differently), `order` (the same
messages in another order), `tools` (another tool set or schema), `missing` (a message or a whole
call is gone, or is new), `agent` (a lane has fallen silent, or is new).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from scenarios.tape.conversation import to_chat_request
from scenarios.tape.request import to_sorted_json

SEVERITIES = ("text", "order", "tools", "missing", "agent")
CONTEXT_CHARS = 24
"""How much of what is the same stands before a change, in characters."""
WORD_SEPARATOR = re.compile(r"[\s,{\[]")
"""What parts words, in a text or in JSON."""


@dataclass(frozen=True)
class Change:
    severity: str
    description: str


@dataclass(frozen=True)
class Drift:
    """Call `call` of `lane` was answered by the recorded line `at`, whose request was another."""

    lane: str
    call: int
    location: str
    changes: tuple[Change, ...]

    @property
    def severity(self) -> str:
        """The worst severity of its changes."""
        return max((change.severity for change in self.changes), key=SEVERITIES.index)

    def __str__(self) -> str:
        what = "; ".join(change.description for change in self.changes)
        return (
            f"{self.lane}, call {self.call} drifted from {self.location} ({self.severity}): {what}"
        )


def compare_requests(recorded: Any, actual: Any) -> tuple[Change, ...]:
    """What differs between two canonical bodies, message by message; empty when nothing does."""
    if not isinstance(recorded, dict) or not isinstance(actual, dict):
        return _text_changes("the body", to_sorted_json(recorded), to_sorted_json(actual))
    if _is_responses_request(recorded) or _is_responses_request(actual):
        recorded, actual = to_chat_request(recorded), to_chat_request(actual)
    found: list[Change] = []
    found.extend(_message_changes(_list(recorded, "messages"), _list(actual, "messages")))
    found.extend(_tool_changes(_list(recorded, "tools"), _list(actual, "tools")))
    for key in sorted((recorded.keys() | actual.keys()) - {"messages", "tools"}):
        found.extend(_text_changes(key, _json_value(recorded, key), _json_value(actual, key)))
    return tuple(found)


def _is_responses_request(body: Mapping[str, Any]) -> bool:
    """Whether it asks for a response, and has messages to compare; an embedding has texts."""
    return "instructions" in body or any(isinstance(one, dict) for one in _list(body, "input"))


def _message_changes(recorded: list[Any], actual: list[Any]) -> Iterator[Change]:
    was, now = [to_sorted_json(m) for m in recorded], [to_sorted_json(m) for m in actual]
    if was != now and sorted(was) == sorted(now):
        yield Change("order", f"the same {len(now)} messages come in another order")
        return
    for op, i, i_end, j, j_end in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if op == "equal":
            continue
        while i < i_end and j < j_end and _role(recorded[i]) == _role(actual[j]):
            yield from _text_changes(f"message {j + 1} ({_role(actual[j])})", was[i], now[j])
            i, j = i + 1, j + 1
        for gone in range(i, i_end):
            yield Change(
                "missing", f"the recorded message {gone + 1} is gone: {_truncate(was[gone])}"
            )
        for new in range(j, j_end):
            yield Change("missing", f"message {new + 1} is new: {_truncate(now[new])}")


def _tool_changes(recorded: list[Any], actual: list[Any]) -> Iterator[Change]:
    was, now = _tools_by_name(recorded), _tools_by_name(actual)
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            yield Change("tools", f"tool {name} is gone")
        elif name not in was:
            yield Change("tools", f"tool {name} is new")
        else:
            for change in _text_changes(f"the schema of tool {name}", was[name], now[name]):
                yield Change("tools", change.description)


def _text_changes(label: str, before: str, after: str) -> tuple[Change, ...]:
    """One change of severity `text` that shows the first place at which the two part."""
    if before == after:
        return ()
    at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), -1)
    start = _start_of_context(before, min(len(before), len(after)) if at < 0 else at)
    cut = "…" if start else ""
    says = f"{label} was {cut}{_truncate(before[start:])} and is {cut}{_truncate(after[start:])}"
    return (Change("text", says),)


def _start_of_context(text: str, at: int) -> int:
    """Where a word begins that stands some way before, so that one sees where one is."""
    start = max(0, at - CONTEXT_CHARS)
    gap = WORD_SEPARATOR.search(text, start, at) if start else None
    return gap.end() if gap else start


def _tools_by_name(tools: list[Any]) -> dict[str, str]:
    named = {}
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else tool
        named[str(name)] = to_sorted_json(tool)
    return named


def _list(body: Mapping[str, Any], key: str) -> list[Any]:
    value = body.get(key)
    return value if isinstance(value, list) else []


def _role(message: Any) -> str:
    return str(message.get("role")) if isinstance(message, dict) else "?"


def _json_value(body: Mapping[str, Any], key: str) -> str:
    return to_sorted_json(body[key]) if key in body else "(absent)"


def _truncate(text: str, limit: int = 72) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
