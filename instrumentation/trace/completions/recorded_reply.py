"""Read the reply of a completion from its span, whichever instrumentor recorded it."""

from collections.abc import Mapping
from typing import Any

from instrumentation.trace.completions.autogen_messages import read_autogen_result
from instrumentation.trace.completions.flat_attributes import read_flat_messages
from instrumentation.trace.completions.genai_messages import is_genai, read_genai_messages
from instrumentation.trace.span import Span

FLAT_PREFIXES = ("llm.output_messages.", "gen_ai.completion.")
FINISH_REASONS = {"function_calls": "tool_calls", "tool_call": "tool_calls", "unknown": "stop"}
"""The finish reasons of AutoGen and OpenTelemetry, as OpenAI names them."""


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
    for prefix in FLAT_PREFIXES:
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
