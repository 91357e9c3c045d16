"""Read messages that are recorded as one attribute per field: OpenTelemetry has no nested values.

llm.input_messages.0.message.role                                  OpenInference
llm.input_messages.1.message.tool_calls.0.tool_call.function.name
gen_ai.prompt.0.role                                               OpenLLMetry
gen_ai.prompt.1.tool_calls.0.name
"""

from collections.abc import Mapping
from typing import Any

from instrumentation.trace.completions.genai_messages import to_compact_text
from patches.support.tool_calls import to_openai_call


def unflatten(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """Return the list that the attributes below `prefix` describe; numbers in names are indexes."""
    root: dict[str, Any] = {}
    for key, value in attributes.items():
        if not key.startswith(prefix):
            continue
        target, *names = root, *key.removeprefix(prefix).split(".")
        for name in names[:-1]:
            inner = target.get(name)
            target[name] = inner if isinstance(inner, dict) else {}
            target = target[name]
        target[names[-1]] = value
    listed = _as_lists(root)
    return listed if isinstance(listed, list) else []


def read_flat_messages(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the messages below `prefix` as chat messages; empty if there are none."""
    items = unflatten(attributes, prefix)
    return [
        converted
        for item in items
        if isinstance(item, Mapping)
        for converted in (_tool_results(item) or [_to_message(item.get("message", item))])
    ]


def _tool_results(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results in a message of AutoGen, as OpenInference records it; empty for any other."""
    results = item.get("function")
    return [
        {"role": "tool", "tool_call_id": one.get("call_id"), "content": str(one.get("content"))}
        for one in (results if isinstance(results, list) else ())
        if isinstance(one, Mapping)
    ]


def _as_lists(value: Any) -> Any:
    """Turn each mapping whose keys are all numbers into a list."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_as_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _as_lists(inner) for key, inner in value.items()}


def _to_message(message: Mapping[str, Any]) -> dict[str, Any]:
    role = str(message.get("role") or "assistant")
    role = "system" if role == "developer" else role
    content = message.get("content")
    if content is None and isinstance(parts := message.get("contents"), list):
        texts = (part.get("message_content", {}).get("text") for part in parts)
        content = "\n".join(str(text) for text in texts if text) or None
    # A text that happens to be JSON was decoded when the span was read.
    content = None if content is None else to_compact_text(content)
    converted: dict[str, Any] = {"role": role, "content": content}
    for key in ("name", "tool_call_id"):
        if message.get(key) and not (key == "name" and role == "tool"):
            converted[key] = message[key]
    if calls := [_to_call(call) for call in message.get("tool_calls") or ()]:
        converted["tool_calls"] = calls
    return converted


def _to_call(call: Mapping[str, Any]) -> dict[str, Any]:
    call = call.get("tool_call", call)
    function = call.get("function", call)
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else to_compact_text(arguments or {})
    return to_openai_call(function.get("name"), text, call.get("id"))
