"""Lines of a case's tape, spelt in Python: who says what, and who asks for which tools."""

from typing import Any

ScriptedReply = dict[str, Any]
TEXT_FORM_NOTE, TOOL_CALL_FORM_NOTE = (
    "in text, or else by the next line",
    "in calls, or else by the line before",
)
"""The notes of two lines in a row that ask for the same tools in two forms. One is left over."""


def scripted_reply(lane: str, content: Any, when: str = "", **reply: Any) -> ScriptedReply:
    """`lane` answers so, once its conversation matches `when`."""
    line = {"lane": lane, "origin": "scripted", "reply": {"content": content, **reply}}
    return line | ({"when": when} if when else {})


def scripted_tool_calls(
    lane: str, *tools: tuple[str, dict[str, Any]], when: str = ""
) -> ScriptedReply:
    """`lane` asks for these tools at once, each a name and its arguments."""
    named = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return scripted_reply(lane, None, when, tool_calls=named)
