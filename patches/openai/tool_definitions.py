"""Tools that a request offers, in the shape of a chat's: the Responses API has flatter ones."""

from collections.abc import Mapping
from typing import Any


def tools(offered: Any) -> list[Mapping[str, Any]]:
    """Those of `offered` that are objects; one without a name, the endpoint's own, has its type."""
    listed = offered if isinstance(offered, list) else []
    return [_in_a_chat(tool) for tool in listed if isinstance(tool, Mapping)]


def _in_a_chat(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    if "function" in tool:
        return tool
    told = {key: value for key, value in tool.items() if key != "type"}
    return {"type": "function", "function": {"name": tool.get("type"), **told}}
