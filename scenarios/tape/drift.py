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

from scenarios.tape.conversation import as_chat
from scenarios.tape.request import as_json

SEVERITIES = ("text", "order", "tools", "missing", "agent")
AROUND = 24
"""How much of what is the same stands before a change, in characters."""
BETWEEN = re.compile(r"[\s,{\[]")
"""What parts words, in a text or in JSON."""


@dataclass(frozen=True)
class Change:
    severity: str
    says: str


@dataclass(frozen=True)
class Drift:
    """Call `call` of `lane` was answered by the recorded line `at`, whose request was another."""

    lane: str
    call: int
    at: str
    changes: tuple[Change, ...]

    @property
    def severity(self) -> str:
        """The worst severity of its changes."""
        return max((change.severity for change in self.changes), key=SEVERITIES.index)

    def __str__(self) -> str:
        what = "; ".join(change.says for change in self.changes)
        return f"{self.lane}, call {self.call} drifted from {self.at} ({self.severity}): {what}"


def changes(taped: Any, asked: Any) -> tuple[Change, ...]:
    """What differs between two canonical bodies, message by message; empty when nothing does."""
    if not isinstance(taped, dict) or not isinstance(asked, dict):
        return _changed("the body", as_json(taped), as_json(asked))
    if _is_of_responses(taped) or _is_of_responses(asked):
        taped, asked = as_chat(taped), as_chat(asked)
    found: list[Change] = []
    found.extend(_messages(_list(taped, "messages"), _list(asked, "messages")))
    found.extend(_tools(_list(taped, "tools"), _list(asked, "tools")))
    for key in sorted((taped.keys() | asked.keys()) - {"messages", "tools"}):
        found.extend(_changed(key, _value(taped, key), _value(asked, key)))
    return tuple(found)


def _is_of_responses(body: Mapping[str, Any]) -> bool:
    """Whether it asks for a response, and has messages to compare; an embedding has texts."""
    return "instructions" in body or any(isinstance(one, dict) for one in _list(body, "input"))


def _messages(taped: list[Any], asked: list[Any]) -> Iterator[Change]:
    was, now = [as_json(m) for m in taped], [as_json(m) for m in asked]
    if was != now and sorted(was) == sorted(now):
        yield Change("order", f"the same {len(now)} messages come in another order")
        return
    for op, i, i_end, j, j_end in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if op == "equal":
            continue
        while i < i_end and j < j_end and _role(taped[i]) == _role(asked[j]):
            yield from _changed(f"message {j + 1} ({_role(asked[j])})", was[i], now[j])
            i, j = i + 1, j + 1
        for gone in range(i, i_end):
            yield Change("missing", f"the recorded message {gone + 1} is gone: {_short(was[gone])}")
        for new in range(j, j_end):
            yield Change("missing", f"message {new + 1} is new: {_short(now[new])}")


def _tools(taped: list[Any], asked: list[Any]) -> Iterator[Change]:
    was, now = _by_name(taped), _by_name(asked)
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            yield Change("tools", f"tool {name} is gone")
        elif name not in was:
            yield Change("tools", f"tool {name} is new")
        else:
            for change in _changed(f"the schema of tool {name}", was[name], now[name]):
                yield Change("tools", change.says)


def _changed(what: str, was: str, now: str) -> tuple[Change, ...]:
    """One change of severity `text` that shows the first place at which the two part."""
    if was == now:
        return ()
    at = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), -1)
    start = _word_before(was, min(len(was), len(now)) if at < 0 else at)
    cut = "…" if start else ""
    says = f"{what} was {cut}{_short(was[start:])} and is {cut}{_short(now[start:])}"
    return (Change("text", says),)


def _word_before(text: str, at: int) -> int:
    """Where a word begins that stands some way before, so that one sees where one is."""
    start = max(0, at - AROUND)
    gap = BETWEEN.search(text, start, at) if start else None
    return gap.end() if gap else start


def _by_name(tools: list[Any]) -> dict[str, str]:
    named = {}
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else tool
        named[str(name)] = as_json(tool)
    return named


def _list(body: Mapping[str, Any], key: str) -> list[Any]:
    value = body.get(key)
    return value if isinstance(value, list) else []


def _role(message: Any) -> str:
    return str(message.get("role")) if isinstance(message, dict) else "?"


def _value(body: Mapping[str, Any], key: str) -> str:
    return as_json(body[key]) if key in body else "(absent)"


def _short(text: str, limit: int = 72) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
