"""Convert an agent's task and result to `gen_ai.input.messages` and `gen_ai.output.messages`."""

from collections.abc import Mapping
from typing import Any

from instrumentation.export.genai.chat_messages import (
    content_parts,
    convert_message,
    to_json,
    to_text,
)

REQUEST_KEYS = ("prompt", "task", "message", "input", "question", "query")
"""Keys under which an agent's inputs hold a text that asks for its work."""
RESULT_KEYS = ("output", "answer", "message", "result", "raw", "report")
"""Keys under which an agent's outputs hold the text that it produced."""


def convert_agent_messages(inputs: Any, outputs: Any) -> dict[str, Any]:
    """Convert the task and the result of an agent or a workflow, as far as they are messages."""
    received = _agent_messages(inputs, "user", REQUEST_KEYS)
    produced = _agent_messages(outputs, "assistant", RESULT_KEYS)
    attributes = {}
    if received:
        attributes["gen_ai.input.messages"] = to_json(received)
    if produced:
        attributes["gen_ai.output.messages"] = to_json(produced)
    return attributes


def _agent_messages(value: Any, role: str, text_keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the messages in an agent's inputs or outputs, in the forms that frameworks use."""
    if isinstance(value, str):
        return [{"role": role, "parts": content_parts(value)}] if value else []
    if isinstance(value, list):
        return [message for item in value for message in _agent_messages(item, role, ())]
    if not isinstance(value, Mapping):
        return []
    if "role" in value and ("content" in value or "tool_calls" in value):
        return [convert_message(value)]
    if "source" in value and "content" in value:  # AutoGen's
        name = str(value["source"])
        return [{"role": role, "parts": content_parts(to_text(value["content"])), "name": name}]
    if isinstance(value.get("messages"), list):
        return _agent_messages(value["messages"], role, text_keys)
    found = next((value[key] for key in text_keys if value.get(key)), None)
    return _agent_messages(found, role, ()) if isinstance(found, str | Mapping) else []
