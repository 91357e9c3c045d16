"""Read the request and the reply of a completion from its span, whichever instrumentor recorded it.

These are read: inputs in the shape of OpenAI's APIs (ours, MLflow's and OpenInference's for
`openai`), AutoGen's own messages (MLflow's for AutoGen), `gen_ai.input.messages` of OpenTelemetry,
`llm.input_messages.*` of OpenInference, and `gen_ai.prompt.*` of OpenLLMetry.
"""

from collections.abc import Mapping
from typing import Any

from instrumentation.trace.completions.autogen_messages import (
    is_autogen,
    read_autogen_messages,
    read_autogen_result,
)
from instrumentation.trace.completions.flat_attributes import read_flat_messages, unflatten
from instrumentation.trace.completions.genai_messages import (
    is_genai,
    read_genai_messages,
    read_instructions,
)
from instrumentation.trace.span import Span

INPUT_PREFIXES = ("llm.input_messages.", "gen_ai.prompt.")
TOOL_ATTRIBUTES = ("gen_ai.tool.definitions", "llm.request.functions")
RESPONSES_KEYS = ("input", "instructions")

OUTPUT_PREFIXES = ("llm.output_messages.", "gen_ai.completion.")
FINISH_REASONS = {"function_calls": "tool_calls", "tool_call": "tool_calls", "unknown": "stop"}
"""The finish reasons of AutoGen and OpenTelemetry, as OpenAI names them."""


def read_request(span: Span) -> dict[str, Any] | None:
    """Return the request of a completion: its messages and tools. None if the span has none."""
    inputs = span.inputs if isinstance(span.inputs, Mapping) else {}
    messages = _read_messages(span, inputs)
    if messages is None and not isinstance(inputs.get("input"), str | list):
        return None
    request = (
        {"messages": messages}
        if messages is not None
        else {key: inputs[key] for key in RESPONSES_KEYS if inputs.get(key)}
    )
    # The Responses API has another form for tools, which its requests keep.
    tools = _read_tools(span, inputs) if messages is not None else inputs.get("tools")
    return request | ({"tools": tools} if tools else {})


def _read_messages(span: Span, inputs: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    listed = inputs.get("messages", span.inputs)
    if isinstance(listed, str):
        listed = None
    messages = [one for one in listed if isinstance(one, Mapping)] if _is_list(listed) else []
    if messages and all(map(is_autogen, messages)):
        return read_autogen_messages(messages)
    if messages and all(map(is_genai, messages)):
        return read_instructions(span.attributes) + read_genai_messages(messages)
    if messages and all("role" in message for message in messages):
        return [dict(message) for message in messages]
    for prefix in INPUT_PREFIXES:
        if flat := read_flat_messages(span.attributes, prefix):
            return flat
    recorded = span.attributes.get("gen_ai.input.messages")
    if _is_list(recorded) and recorded and all(map(is_genai, recorded)):
        return read_instructions(span.attributes) + read_genai_messages(recorded)
    return None


def _read_tools(span: Span, inputs: Mapping[str, Any]) -> list[Any]:
    """The tools with their schemas, as far as they are recorded; only functions that have names."""
    listed = inputs.get("tools")
    if not _is_list(listed) or not listed:
        listed = next(
            (span.attributes[key] for key in TOOL_ATTRIBUTES if _is_list(span.attributes.get(key))),
            [],
        )
    if not listed:
        flat = unflatten(span.attributes, "llm.tools.")
        listed = [tool.get("tool", {}).get("json_schema") for tool in flat]
    return [tool for tool in map(_as_function, listed) if tool is not None]


def _as_function(tool: Any) -> dict[str, Any] | None:
    """A tool as OpenAI's chat API takes it; a schema without this envelope gets one."""
    if not isinstance(tool, Mapping):
        return None
    if "function" in tool or ("type" in tool and tool["type"] != "function"):
        return dict(tool)
    function = {key: value for key, value in tool.items() if key not in ("type", "strict")}
    return {"type": "function", "function": function} if function.get("name") else None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def read_reply(span: Span) -> dict[str, Any] | None:
    """Return the reply: {"choices": […]}, or {"output": […]} of the Responses API.

    None if the completion failed, or if the span does not hold its reply.
    """
    reply = None if span.failed else _read_outputs(span)
    if reply is None or (span.tokens.output and _is_empty(reply)):
        return None  # an instrumentor lost what the tokens were spent on
    return reply


def _is_empty(reply: Mapping[str, Any]) -> bool:
    keys = ("content", "tool_calls", "function_call", "refusal", "reasoning_content", "audio")
    messages = (choice["message"] for choice in reply.get("choices", ()))
    return "choices" in reply and not any(message.get(key) for message in messages for key in keys)


def _read_outputs(span: Span) -> dict[str, Any] | None:
    outputs = span.outputs
    if isinstance(outputs, Mapping):
        if isinstance(outputs.get("choices"), list) and outputs["choices"]:
            return {"choices": [_as_choice(one) for one in outputs["choices"]]}
        if isinstance(outputs.get("output"), list) and outputs["output"]:
            return dict(outputs)
        if (result := read_autogen_result(outputs)) is not None:
            return _to_reply([result], str(outputs.get("finish_reason") or ""))
        if "role" in outputs:
            return _to_reply([dict(outputs)], "")
    if isinstance(outputs, list) and outputs and all(map(is_genai, outputs)):
        return _to_reply(read_genai_messages(outputs), str(outputs[0].get("finish_reason") or ""))
    for prefix in OUTPUT_PREFIXES:
        if flat := read_flat_messages(span.attributes, prefix):
            return _to_reply(flat, "")
    recorded = span.attributes.get("gen_ai.output.messages")
    if isinstance(recorded, list) and recorded and all(map(is_genai, recorded)):
        reason = str(recorded[0].get("finish_reason") or "")
        return _to_reply(read_genai_messages(recorded), reason)
    if isinstance(outputs, str) and outputs:
        return _to_reply([{"role": "assistant", "content": outputs}], "")
    return None


def _to_reply(messages: list[dict[str, Any]], finish_reason: str) -> dict[str, Any]:
    return {
        "choices": [
            _as_choice({"index": index, "message": message, "finish_reason": finish_reason})
            for index, message in enumerate(messages)
        ]
    }


def _as_choice(choice: Any) -> dict[str, Any]:
    """A choice with a finish reason; one that was not recorded follows from the message."""
    choice = dict(choice) if isinstance(choice, Mapping) else {}
    message = {"role": "assistant", "content": None, **(choice.get("message") or {})}
    reason = choice.get("finish_reason") or ""
    default = "tool_calls" if message.get("tool_calls") else "stop"
    named = FINISH_REASONS.get(reason, reason or default)
    return {"index": 0, **choice, "message": message, "finish_reason": named}
