"""Compare a request with the recorded one, message by message, and describe the differences.

Severities, mildest first:

- `text`: the text of a message, or a setting, differs.
- `order`: the same messages come in another order.
- `tools`: a tool is new, gone, or has another schema.
- `missing`: a message, or a whole call, is gone or new.
- `agent`: a lane makes no requests any more, or is new.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from instrumentation.redaction import DEFAULT_REDACTION
from scenarios.tape.requests.conversation import to_chat_request
from scenarios.tape.requests.request import to_sorted_json

SEVERITIES = ("text", "order", "tools", "missing", "agent")
CONTEXT_CHARS = 24
"""How many unchanged characters are shown before a change."""
WORD_SEPARATOR = re.compile(r"[\s,{\[]")
"""Separates words, in text and in JSON."""


@dataclass(frozen=True)
class Change:
    """One difference: a severity (see above) and a sentence."""

    severity: str
    description: str


@dataclass(frozen=True)
class Drift:
    """Call `call` of `lane` was answered by a recorded line whose request differs.

    `location` is the line's `FILE:LINE`. Secrets in the text of a drift are redacted.
    """

    lane: str
    call: int
    location: str
    changes: tuple[Change, ...]

    @property
    def severity(self) -> str:
        """The highest severity of its changes."""
        return max((change.severity for change in self.changes), key=SEVERITIES.index)

    def __str__(self) -> str:
        details = DEFAULT_REDACTION.redact_text(
            "; ".join(change.description for change in self.changes)
        )
        call = f"{self.lane}, call {self.call}"
        return f"{call} drifted from {self.location} ({self.severity}): {details}"


def compare_requests(recorded: Any, actual: Any) -> tuple[Change, ...]:
    """List the differences of two canonical request bodies; empty if they are equal.

    Chats and Responses API requests are compared message by message; other bodies by key.
    """
    if not isinstance(recorded, dict) or not isinstance(actual, dict):
        return _text_changes("the body", to_sorted_json(recorded), to_sorted_json(actual))
    if _is_responses_request(recorded) or _is_responses_request(actual):
        recorded, actual = to_chat_request(recorded), to_chat_request(actual)
    found = list[Change]()
    found.extend(_message_changes(_list(recorded, "messages"), _list(actual, "messages")))
    found.extend(_tool_changes(_list(recorded, "tools"), _list(actual, "tools")))
    for key in sorted((recorded.keys() | actual.keys()) - {"messages", "tools"}):
        found.extend(_text_changes(key, _json_value(recorded, key), _json_value(actual, key)))
    return tuple(found)


def _is_responses_request(body: Mapping[str, Any]) -> bool:
    """Return whether it is a Responses API request; an embeddings request has texts as input."""
    return "instructions" in body or any(isinstance(one, dict) for one in _list(body, "input"))


def _message_changes(recorded: list[Any], actual: list[Any]) -> Iterator[Change]:
    before = [to_sorted_json(message) for message in recorded]
    after = [to_sorted_json(message) for message in actual]
    if before != after and sorted(before) == sorted(after):
        yield Change("order", f"the same {len(after)} messages come in another order")
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for op, i, i_end, j, j_end in matcher.get_opcodes():
        if op == "equal":
            continue
        while i < i_end and j < j_end and _role(recorded[i]) == _role(actual[j]):
            yield from _text_changes(f"message {j + 1} ({_role(actual[j])})", before[i], after[j])
            i, j = i + 1, j + 1
        for gone in range(i, i_end):
            text = f"the recorded message {gone + 1} is gone: {_truncate(before[gone])}"
            yield Change("missing", text)
        for new in range(j, j_end):
            yield Change("missing", f"message {new + 1} is new: {_truncate(after[new])}")


def _tool_changes(recorded: list[Any], actual: list[Any]) -> Iterator[Change]:
    before, after = _tools_by_name(recorded), _tools_by_name(actual)
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield Change("tools", f"tool {name} is gone")
        elif name not in before:
            yield Change("tools", f"tool {name} is new")
        else:
            for change in _text_changes(f"the schema of tool {name}", before[name], after[name]):
                yield Change("tools", change.description)


def _text_changes(label: str, before: str, after: str) -> tuple[Change, ...]:
    """Return one change of severity `text` that shows the first difference; none if equal."""
    if before == after:
        return ()
    at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), -1)
    start = _start_of_context(before, min(len(before), len(after)) if at < 0 else at)
    dots = "…" if start else ""
    was, now = dots + _truncate(before[start:]), dots + _truncate(after[start:])
    return (Change("text", f"{label} was {was} and is {now}"),)


def _start_of_context(text: str, at: int) -> int:
    """Return the start of a word some characters before `at`, to show the context."""
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
