"""Convert the messages of OpenAI's Responses API into the form of `gen_ai.input.messages`."""

from collections.abc import Mapping
from typing import Any

from instrumentation.export.genai.chat_messages import (
    content_parts,
    convert_message,
    convert_tool_call,
    to_json,
)

FINISH_REASONS = {
    "cancelled": "error",
    "completed": "stop",
    "failed": "error",
    "max_output_tokens": "length",
}
"""Finish reasons by a reply's status, or by why it is incomplete, in the Responses API."""


def convert_responses_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the instructions and the input of a request to OpenAI's Responses API."""
    items = request.get("input")
    items = items if isinstance(items, list) else [{"role": "user", "content": items}]
    messages = [_convert_item(item, "user") for item in items if isinstance(item, Mapping)]
    attributes = {"gen_ai.input.messages": to_json(messages)}
    if instructions := content_parts(request.get("instructions")):
        attributes["gen_ai.system_instructions"] = to_json(instructions)
    return attributes


def convert_responses_reply(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the output items of a reply of the Responses API: together they are one message."""
    items = [item for item in reply.get("output") or () if isinstance(item, Mapping)]
    parts = [part for item in items for part in _convert_item(item, "assistant")["parts"]]
    attributes: dict[str, Any] = {
        "gen_ai.output.messages": to_json([{"role": "assistant", "parts": parts}])
    }
    details = reply.get("incomplete_details")
    cause = details.get("reason") if isinstance(details, Mapping) else None
    status = str(cause or reply.get("status") or "")
    if reason := FINISH_REASONS.get(status, cause):
        attributes["gen_ai.response.finish_reasons"] = [str(reason)]
    return attributes


def _convert_item(item: Mapping[str, Any], role: str) -> dict[str, Any]:
    """Convert an item of the Responses API: a message, a tool call, its result, or another."""
    kind = item.get("type")
    if kind == "function_call":
        call = {"function": item, "id": item.get("call_id")}
        return {"role": "assistant", "parts": [convert_tool_call(call)]}
    if kind == "function_call_output":
        content = {"content": item.get("output"), "tool_call_id": item.get("call_id")}
        return convert_message({"role": "tool", **content})
    if "content" in item and kind in (None, "message"):
        return convert_message({"role": role, **item})
    return {"role": "assistant", "parts": [{**item, "type": str(kind)}]}
