"""Lines of a case's tape, spelt in Python: who says what, and who asks for which tools."""

from typing import Any

Line = dict[str, Any]
AS_TEXT, AS_CALLS = "in text, or else by the next line", "in calls, or else by the line before"
"""The notes of two lines in a row that ask for the same tools in two forms. One is left over."""


def says(lane: str, content: Any, when: str = "", **reply: Any) -> Line:
    """`lane` answers so, once its conversation matches `when`."""
    line = {"lane": lane, "origin": "scripted", "reply": {"content": content, **reply}}
    return line | ({"when": when} if when else {})


def calls(lane: str, *tools: tuple[str, dict[str, Any]], when: str = "") -> Line:
    """`lane` asks for these tools at once, each a name and its arguments."""
    named = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return says(lane, None, when, tool_calls=named)
