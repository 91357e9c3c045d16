"""Render a chat request as text, which the `when` conditions of tape lines are matched with.

    tools: altitude, population
    system: You write what the task asks for.
    user: How high does La Paz lie?
    assistant calls altitude({"city":"La Paz"})
    tool altitude: {"metres":3640}
    user reviewer: REVISE: cite the source.

A message's `name` follows its role. Content parts that are not text appear as their type in square
brackets. A tool's reply is named after the call that it answers. A request of the Responses API is
converted to the equivalent chat first.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def render_conversation(body: Mapping[str, Any]) -> str:
    """Render the body of a chat request. Parts of an unknown shape are skipped."""
    names = tool_names(body)
    lines = [f"tools: {', '.join(names)}"] if names else []
    tool_names_by_call: dict[str, str] = {}
    for message in _dicts(body.get("messages")):
        lines.extend(_render_message(message, tool_names_by_call))
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
    """Return the text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = (part.get("text") or f"[{part.get('type')}]" for part in _dicts(content))
    return "\n".join(map(str, parts))


def to_chat_request(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the body of a Responses API request to the equivalent chat body; return a chat as is.

    Source: https://platform.openai.com/docs/guides/migrate-to-responses
    """
    if "messages" in body or not ("input" in body or "instructions" in body):
        return body
    text_or_items, instructions = body.get("input"), body.get("instructions")
    if isinstance(text_or_items, str):
        messages: list[Mapping[str, Any]] = [{"role": "user", "content": text_or_items}]
    else:
        messages = [_item_to_message(item) for item in _dicts(text_or_items)]
    if isinstance(instructions, str):
        messages = [{"role": "system", "content": instructions}, *messages]
    # A built-in tool has a type, but no name.
    functions = ({"name": tool.get("type"), **tool} for tool in _dicts(body.get("tools")))
    tools = [{"type": "function", "function": function} for function in functions]
    rest = {key: body[key] for key in body.keys() - {"input", "instructions"}}
    return {**rest, "messages": messages, "tools": tools}


def _item_to_message(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert an input item of the Responses API to a chat message."""
    match item.get("type", "message"):
        case "message":
            return item
        case "function_call" | "custom_tool_call":
            arguments = item.get("arguments", item.get("input"))
            function = {"name": item.get("name"), "arguments": arguments}
            call = {"id": item.get("call_id"), "type": "function", "function": function}
            return {"role": "assistant", "content": None, "tool_calls": [call]}
        case "function_call_output" | "custom_tool_call_output":
            output = {"tool_call_id": item.get("call_id"), "content": item.get("output")}
            return {"role": "tool", **output}
        case other:
            return {"role": "assistant", "content": f"[{other}]"}


def system_prompt(body: Mapping[str, Any]) -> str:
    """Return the text of all system and developer messages."""
    return "\n".join(
        content_text(message.get("content"))
        for message in _dicts(body.get("messages"))
        if message.get("role") in ("system", "developer")
    )


def tool_names(body: Mapping[str, Any]) -> list[str]:
    """Return the names of the functions that the model may call, in order."""
    functions = (tool.get("function") for tool in _dicts(body.get("tools")))
    return [str(function.get("name")) for function in functions if isinstance(function, dict)]


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list; a request may contain anything in their place."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
