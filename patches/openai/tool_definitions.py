"""Tools that a request offers, in the shape of a chat's: the Responses API has flatter ones."""

from collections.abc import Mapping
from typing import Any


def to_chat_tools(offered: Any) -> list[Mapping[str, Any]]:
    """Those of `offered` that are objects; one without a name, the endpoint's own, has its type."""
    listed = offered if isinstance(offered, list) else []
    return [_to_chat_tool(tool) for tool in listed if isinstance(tool, Mapping)]


def _to_chat_tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    if "function" in tool:
        return tool
    told = {key: value for key, value in tool.items() if key != "type"}
    return {"type": "function", "function": {"name": tool.get("type"), **told}}
