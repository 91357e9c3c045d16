"""OpenTelemetry's `gen_ai.*` attributes of a completion, from its request and its reply."""

from collections.abc import Mapping
from typing import Any

from instrumentation.export.genai.chat_messages import (
    content_parts,
    convert_agent_messages,
    convert_chat_choices,
    convert_chat_request,
    convert_message,
    convert_tool_call,
    convert_tools,
    to_json,
)
from instrumentation.trace.formats.json_documents import decode_json
from patches.mlflow.provider_messages import translate_provider_messages

FINISH_REASONS = "gen_ai.response.finish_reasons"
PROVIDER_FORMATS = ("anthropic", "bedrock", "gemini")
"""Message formats that are not one of OpenAI's."""
REQUEST_OPTIONS = {
    "frequency_penalty": ("gen_ai.request.frequency_penalty", float),
    "max_completion_tokens": ("gen_ai.request.max_tokens", int),
    "max_output_tokens": ("gen_ai.request.max_tokens", int),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "n": ("gen_ai.request.choice.count", int),
    "presence_penalty": ("gen_ai.request.presence_penalty", float),
    "reasoning_effort": ("gen_ai.request.reasoning.level", str),
    "seed": ("gen_ai.request.seed", int),
    "temperature": ("gen_ai.request.temperature", float),
    "top_k": ("gen_ai.request.top_k", int),
    "top_p": ("gen_ai.request.top_p", float),
}
"""Options of a request, and the attribute and the type of each."""
ATTRIBUTE_TYPES = dict(REQUEST_OPTIONS.values())

RESPONSES_FINISH_REASONS = {
    "cancelled": "error",
    "completed": "stop",
    "failed": "error",
    "max_output_tokens": "length",
}
"""Finish reasons by a reply's status, or by why it is incomplete, in the Responses API."""


def inference_attributes(
    attributes: Mapping[str, Any], inputs: Any, outputs: Any
) -> dict[str, Any]:
    """Return the attributes that follow from a completion's request and reply.

    Both are in the shape of OpenAI's chat completions or responses API.
    """
    request = inputs if isinstance(inputs, Mapping) else {}
    tools = convert_tools(request.get("tools") or attributes.get("mlflow.chat.tools"))
    is_streamed = (
        request.get("stream") is True
        or "gen_ai.response.time_to_first_chunk" in attributes
        or str(attributes.get("flight_recorder.client")).endswith("_stream")
    )
    return {
        "gen_ai.request.stream": is_streamed or None,
        **_messages(attributes.get("mlflow.message.format"), inputs, outputs),
        **_request_options(request),
        **({"gen_ai.tool.definitions": tools} if tools else {}),
    }


def _messages(message_format: Any, inputs: Any, outputs: Any) -> dict[str, Any]:
    """Return the messages of an inference, in the format of its request."""
    request = inputs if isinstance(inputs, Mapping) else {}
    reply = outputs if isinstance(outputs, Mapping) else {}
    if message_format in PROVIDER_FORMATS:
        return translate_provider_messages(message_format, request, outputs)
    known = {"gen_ai.response.id": reply.get("id"), "gen_ai.response.model": reply.get("model")}
    if isinstance(request.get("messages"), list):
        known |= convert_chat_request(request["messages"])
    elif "input" in request:
        known |= convert_responses_request(request)
    else:
        known |= convert_agent_messages(inputs, None)
    if isinstance(reply.get("choices"), list):
        return known | convert_chat_choices(reply["choices"])
    if isinstance(reply.get("output"), list):
        return known | convert_responses_reply(reply)
    return known | convert_agent_messages(None, outputs)


def _request_options(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a request; AutoGen passes those of a single call in an own argument."""
    extra = request.get("extra_create_args")
    options = {**request, **extra} if isinstance(extra, Mapping) else request
    found = {
        attribute: options[option]
        for option, (attribute, _) in REQUEST_OPTIONS.items()
        if isinstance(options.get(option), int | float | str)
    }
    if found.get("gen_ai.request.choice.count") == 1:
        del found["gen_ai.request.choice.count"]
    stop = options.get("stop") or options.get("stop_sequences")
    if stop:
        found["gen_ai.request.stop_sequences"] = [
            str(text) for text in (stop if isinstance(stop, list) else [stop])
        ]
    response_format = options.get("response_format")
    kind = response_format.get("type") if isinstance(response_format, Mapping) else None
    if kind or options.get("json_output"):
        found["gen_ai.output.type"] = "text" if kind == "text" else "json"
    return found


def convert_type(key: str, value: Any) -> Any:
    """Convert a value into the type of its attribute, such as a temperature of 0 into a double.

    Returns:
        The value; None if the type cannot hold it.
    """
    if key == FINISH_REASONS and isinstance(value, str):
        found = decode_json(value)
        return found if isinstance(found, list) else [value]
    to_type = ATTRIBUTE_TYPES.get(key)
    try:
        return value if to_type is None or value is None else to_type(value)
    except (TypeError, ValueError, OverflowError):
        return None


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
    if reason := RESPONSES_FINISH_REASONS.get(status, cause):
        attributes[FINISH_REASONS] = [str(reason)]
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
