"""Convert messages of OpenTelemetry's conventions for generative AI to chat messages.

Source: https://github.com/open-telemetry/semantic-conventions-genai, `gen_ai.input.messages`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patches.support.tool_calls import to_openai_call


def is_genai(message: Any) -> bool:
    return isinstance(message, Mapping) and isinstance(message.get("parts"), list)


def read_instructions(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the system message that `gen_ai.system_instructions` holds, if there is one."""
    parts = attributes.get("gen_ai.system_instructions")
    if isinstance(parts, str):
        return [{"role": "system", "content": parts}]
    text = _text(parts) if isinstance(parts, list) else ""
    return [{"role": "system", "content": text}] if text else []


def read_genai_messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Convert messages for which `is_genai`; each tool result becomes a message of its own."""
    return [converted for message in messages for converted in _convert(message)]


def _convert(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    parts = [part for part in message["parts"] if isinstance(part, Mapping)]
    results = [part for part in parts if part.get("type") == "tool_call_response"]
    for part in results:
        content = to_compact_text(part.get("response", part.get("result")))
        yield {"role": "tool", "tool_call_id": part.get("id"), "content": content}
    calls = [
        to_openai_call(part.get("name"), to_compact_text(part.get("arguments")), part.get("id"))
        for part in parts
        if part.get("type") == "tool_call"
    ]
    text = _text(parts)
    if text or calls or not results:
        name = {"name": message["name"]} if message.get("name") else {}
        converted = {"role": message.get("role"), **name, "content": text or None}
        yield converted | ({"tool_calls": calls} if calls else {})


def _text(parts: Sequence[Any]) -> str:
    texts = (part.get("content") for part in parts if part.get("type") == "text")
    return "\n".join(str(text) for text in texts if text)


def to_compact_text(value: Any) -> str:
    """A text as it is; anything else as the compact JSON that models write."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
