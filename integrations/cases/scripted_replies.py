"""Tape lines for cases, written in Python: scripted answers and tool calls."""

from typing import Any

ScriptedReply = dict[str, Any]
TEXT_FORM_NOTE = "as text; the next line has the same request as tool calls"
TOOL_CALL_FORM_NOTE = "as tool calls; the line before has the same request as text"
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
