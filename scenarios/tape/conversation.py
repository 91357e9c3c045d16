"""A conversation: a chat request as text, a message a line, for a tape's `when` to be searched in.

    tools: altitude, population
    system: You write what the task asks for.
    user: How high does La Paz lie?
    assistant calls altitude({"city":"La Paz"})
    tool altitude: {"metres":3640}
    user reviewer: REVISE: cite the source.

A speaker's `name` stands after the role; parts of a message that are not text show their type in
square brackets; a tool's reply is named after the call that it answers. A request of the Responses
API reads as the chat that asks for the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def render_conversation(body: Mapping[str, Any]) -> str:
    """The conversation of a chat request; parts of an unknown shape are shown or passed over."""
    names = tool_names(body)
    lines = [f"tools: {', '.join(names)}"] if names else []
    called: dict[str, str] = {}
    for message in _dicts(body.get("messages")):
        lines.extend(_render_message(message, called))
    return "\n".join(lines)


def _render_message(
    message: Mapping[str, Any], tool_names_by_call: dict[str, str]
) -> Iterator[str]:
    role = str(message.get("role"))
    speaker = message.get("name")
    if role == "tool":
        speaker = tool_names_by_call.get(str(message.get("tool_call_id")), speaker)
    text = content_text(message.get("content"))
    calls = list(_dicts(message.get("tool_calls")))
    if text or not calls:
        yield f"{role} {speaker}: {text}" if speaker else f"{role}: {text}"
    for call in calls:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        tool_names_by_call[str(call.get("id"))] = str(function.get("name"))
        yield f"{role} calls {function.get('name')}({function.get('arguments')})"


def content_text(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    parts = (part.get("text") or f"[{part.get('type')}]" for part in _dicts(content))
    return "\n".join(map(str, parts))


def to_chat_request(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body of a chat that asks for what a body of the Responses API does; a chat as it is.

    Source: https://platform.openai.com/docs/guides/migrate-to-responses
    """
    if "messages" in body or not ("input" in body or "instructions" in body):
        return body
    given, told = body.get("input"), body.get("instructions")
    asked = [{"role": "user", "content": given}] if isinstance(given, str) else _dicts(given)
    rest = {key: body[key] for key in body.keys() - {"input", "instructions"}}
    first = [{"role": "system", "content": told}] if isinstance(told, str) else []
    offered = ({"name": tool.get("type"), **tool} for tool in _dicts(body.get("tools")))
    tools = [{"type": "function", "function": tool} for tool in offered]
    return {**rest, "messages": [*first, *map(_item_to_message, asked)], "tools": tools}


def _item_to_message(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message of a chat that an item stands for."""
    match item.get("type", "message"):
        case "message":
            return item
        case "function_call" | "custom_tool_call":
            asked = item.get("arguments", item.get("input"))
            function = {"name": item.get("name"), "arguments": asked}
            call = {"id": item.get("call_id"), "type": "function", "function": function}
            return {"role": "assistant", "content": None, "tool_calls": [call]}
        case "function_call_output" | "custom_tool_call_output":
            output = {"tool_call_id": item.get("call_id"), "content": item.get("output")}
            return {"role": "tool", **output}
        case other:
            return {"role": "assistant", "content": f"[{other}]"}


def system_prompt(body: Mapping[str, Any]) -> str:
    return "\n".join(
        content_text(message.get("content"))
        for message in _dicts(body.get("messages"))
        if message.get("role") in ("system", "developer")
    )


def tool_names(body: Mapping[str, Any]) -> list[str]:
    """The functions that the model may call, in the order of the request."""
    functions = (tool.get("function") for tool in _dicts(body.get("tools")))
    return [str(function.get("name")) for function in functions if isinstance(function, dict)]


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    return (
        (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
    )
