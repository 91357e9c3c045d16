"""Convert messages of completions and of agents to the form of `gen_ai.input.messages`.

Those of completions are in the form of OpenAI's chat API.

Source: https://github.com/open-telemetry/semantic-conventions-genai, gen-ai-input-messages.json,
gen-ai-output-messages.json, gen-ai-system-instructions.json, gen-ai-tool-definitions.json
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from instrumentation.trace.formats.json_documents import decode_json

Part = dict[str, Any]
"""A part of a message, such as {"type": "text", "content": "Three."}."""

INSTRUCTION_ROLES = ("system", "developer")


def convert_chat_request(messages: Iterable[Any]) -> dict[str, Any]:
    """Convert the messages of a chat completion request.

    The system messages at its start are the instructions: an agent framework takes them apart from
    the chat history. Later ones stay in the history, in their order.
    """
    history = [message for message in messages if isinstance(message, Mapping)]
    instructions: list[Part] = []
    while history and history[0].get("role") in INSTRUCTION_ROLES:
        instructions += content_parts(history.pop(0).get("content"))
    attributes = {"gen_ai.input.messages": to_json([convert_message(one) for one in history])}
    if instructions:
        attributes["gen_ai.system_instructions"] = to_json(instructions)
    return attributes


def convert_chat_choices(choices: Iterable[Any]) -> dict[str, Any]:
    """Convert the choices of a chat completion: one message for each."""
    messages, reasons = [], []
    for choice in choices:
        if not isinstance(choice, Mapping):
            continue
        message = choice.get("message") or choice.get("delta")
        known = message if isinstance(message, Mapping) else {"content": message}
        converted = convert_message({"role": "assistant", **known})
        if reason := choice.get("finish_reason"):
            reasons.append(str(reason))
            converted["finish_reason"] = str(reason)
        messages.append(converted)
    attributes: dict[str, Any] = {"gen_ai.output.messages": to_json(messages)}
    return attributes | ({"gen_ai.response.finish_reasons": reasons} if reasons else {})


def convert_tools(tools: Any) -> str | None:
    """Convert a list of tool definitions of OpenAI's and Anthropic's APIs, or its JSON.

    None if none of them has a name.
    """
    listed = decode_json(tools)
    listed = listed if isinstance(listed, list) else []
    definitions = [_flatten_tool(tool) for tool in listed if isinstance(tool, Mapping)]
    named = [definition for definition in definitions if definition.get("name")]
    return to_json(named) if named else None


def _flatten_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Lift the fields of `function`, which chat completions nest; built-in tools have no name."""
    kind = str(tool.get("type") or "function")
    nested = tool.get("function")
    fields = nested if isinstance(nested, Mapping) else tool
    schema = {"parameters": fields["input_schema"]} if "input_schema" in fields else {}
    own = {key: value for key, value in fields.items() if key != "input_schema"}
    return {"name": kind if kind != "function" else None, **own, **schema, "type": kind}


def convert_message(message: Mapping[str, Any]) -> dict[str, Any]:
    role = str(message.get("role") or "user")
    if role in ("tool", "function") and "content" in message:
        response = {"type": "tool_call_response", "response": _tool_result(message["content"])}
        if call_id := message.get("tool_call_id"):
            response["id"] = str(call_id)
        return {"role": "tool", "parts": [response]}
    parts = content_parts(message.get("content"))
    if refusal := message.get("refusal"):
        parts.append({"type": "refusal", "content": str(refusal)})
    calls = message.get("tool_calls")
    parts += [convert_tool_call(call) for call in calls or () if isinstance(call, Mapping)]
    name = message.get("name")
    return {"role": role, "parts": parts} | ({"name": str(name)} if name else {})


def content_parts(content: Any) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, list):
        return [_content_part(item) for item in content]
    return [{"type": "text", "content": to_text(content)}]


def _content_part(item: Any) -> Part:
    if not isinstance(item, Mapping):
        return {"type": "text", "content": to_text(item)}
    if isinstance(text := item.get("text"), str):
        return {"type": "text", "content": text}
    image = item.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    if isinstance(url, str):
        return {"type": "uri", "modality": "image", "uri": url}
    return {**item, "type": str(item.get("type") or "unknown")}


def convert_tool_call(call: Mapping[str, Any]) -> Part:
    function = call.get("function")
    function = function if isinstance(function, Mapping) else {}
    part = {"type": "tool_call", "name": str(function.get("name") or "")}
    if call_id := call.get("id"):
        part["id"] = str(call_id)
    arguments = function.get("arguments")
    return part if arguments is None else {**part, "arguments": decode_json(arguments)}


def _tool_result(content: Any) -> Any:
    """Return the text of a tool's result, which OpenAI also allows as a list of parts."""
    texts = [part.get("content") for part in content_parts(content)]
    return texts[0] if len(texts) == 1 else content


def to_text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


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
