"""Tape lines for cases, written in Python: scripted answers and tool calls."""

from typing import Any

ScriptedReply = dict[str, Any]
TOOL_IN_TEXT_NOTE = "requests the tool in its text; the next line requests it as a tool call"
TOOL_AS_CALL_NOTE = "requests the tool as a tool call; the line before requests it in its text"
"""Notes of two adjacent lines that request the same tools in two forms. A run uses one of them."""


def scripted_reply(lane: str, content: Any, when: str = "", **reply: Any) -> ScriptedReply:
    """A line that answers `lane` with `content`, if the conversation matches the pattern `when`."""
    line = {"lane": lane, "origin": "scripted", "reply": {"content": content, **reply}}
    return line | ({"when": when} if when else {})


def scripted_tool_calls(
    lane: str, *calls: tuple[str, dict[str, Any]], when: str = ""
) -> ScriptedReply:
    """A line that answers `lane` with these tool calls, each a tool name and its arguments."""
    tool_calls = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return scripted_reply(lane, None, when, tool_calls=tool_calls)
