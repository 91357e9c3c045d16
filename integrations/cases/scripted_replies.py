"""Tape lines for cases, written in Python: scripted answers and tool calls."""

import json
from typing import Any

ScriptedReply = dict[str, Any]
TOOL_IN_TEXT_NOTE = "requests the tool in its text; the next line requests it as a tool call"
TOOL_AS_CALL_NOTE = "requests the tool as a tool call; the line before requests it in its text"
"""Notes of two adjacent lines that request the same tools in two forms. A run uses one of them."""


def scripted_reply(lane: str, content: Any, when: str = "", **reply: Any) -> ScriptedReply:
    """A line that answers `lane` with `content`, if the conversation matches the pattern `when`."""
    line = {"lane": lane, "origin": "scripted", "reply": {"content": content, **reply}}
    return line | ({"when": when} if when else {})


def scripted_tool_calls(lane: str, *calls: tuple[str, dict[str, Any]]) -> ScriptedReply:
    """A line that answers `lane` with these tool calls, each a tool name and its arguments."""
    tool_calls = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return scripted_reply(lane, None, tool_calls=tool_calls)


SCOUT_ANSWER = "The Furka pass is open."
CLERK_ANSWER = "Noted: the Furka pass is open."


def calls_tools(
    lane: str,
    *calls: tuple[str, dict[str, Any]],
    when: str = "",
    content: str | None = None,
) -> tuple[ScriptedReply, ScriptedReply]:
    """`lane` calls tools, in both forms.

    The text form requests the first tool only. The tool-call form requests all of them, with
    `content` as its text.
    """
    name, arguments = calls[0]
    text = f"Thought: I need it.\nAction: {name}\nAction Input: {json.dumps(arguments)}"
    tool_calls = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return (
        scripted_reply(lane, text, rf"(?s)\A(?!tools: ).*{when}") | {"note": TOOL_IN_TEXT_NOTE},
        scripted_reply(lane, content, rf"(?s)\Atools: .*{when}", tool_calls=tool_calls)
        | {"note": TOOL_AS_CALL_NOTE},
    )


def calls_lookup(
    lane: str, *places: str, content: str | None = None
) -> tuple[ScriptedReply, ScriptedReply]:
    """`lane` looks up these places in one reply."""
    return calls_tools(lane, *(("lookup", {"place": place}) for place in places), content=content)


def delegates_to(coworker: str, when: str = "") -> tuple[ScriptedReply, ScriptedReply]:
    """The manager delegates to a coworker to find the pass."""
    arguments = {
        "task": "find the pass",
        "context": "it is winter",
        "coworker": coworker,
    }
    return calls_tools("manager", ("delegate_work_to_coworker", arguments), when=when)


SCOUT_THEN_CLERK = (
    *calls_lookup("scout", "Furka"),
    scripted_reply("scout", SCOUT_ANSWER),
    scripted_reply("clerk", CLERK_ANSWER),
)
EMBEDDING_REPLY: ScriptedReply = {
    "lane": "embedder",
    "origin": "scripted",
    "path": "/v1/embeddings",
    "reply": {"embeddings": [[0.5] * 8]},
}
