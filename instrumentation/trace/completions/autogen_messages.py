"""Convert AutoGen's messages, as `mlflow.autogen.autolog()` records them, to chat messages."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patches.support.tool_calls import to_openai_call

ROLES = {"SystemMessage": "system", "UserMessage": "user", "AssistantMessage": "assistant"}
TOOL_RESULTS = "FunctionExecutionResultMessage"


def is_autogen(message: Any) -> bool:
    return isinstance(message, Mapping) and message.get("type") in (*ROLES, TOOL_RESULTS)


def read_autogen_messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Convert messages for which `is_autogen`; a message of tool results becomes several."""
    return [converted for message in messages for converted in _convert(message)]


def read_autogen_result(outputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Convert a `CreateResult` to a message; None if the outputs are not one."""
    if "content" not in outputs or "finish_reason" not in outputs:
        return None
    message = _with_calls(outputs["content"], outputs.get("thought"))
    return {"role": "assistant"} | message


def _convert(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content = message.get("content")
    if message["type"] == TOOL_RESULTS:
        for result in content if isinstance(content, list) else ():
            text = str(result.get("content") or "")
            yield {"role": "tool", "tool_call_id": result.get("call_id"), "content": text}
        return
    converted = {"role": ROLES[str(message["type"])]}
    if message["type"] == "AssistantMessage":
        yield converted | _with_calls(content, message.get("thought"))
        return
    # AutoGen's client sends the sender of a message of a user as its name.
    name = {"name": message["source"]} if message.get("source") else {}
    yield converted | name | {"content": _text(content)}


def _with_calls(content: Any, thought: Any) -> dict[str, Any]:
    """The content of an answer, which is a text or a list of function calls."""
    if not isinstance(content, list):
        return {"content": content}
    calls = [
        to_openai_call(call.get("name"), call.get("arguments"), call.get("id")) for call in content
    ]
    return {"content": thought or None, "tool_calls": calls}


def _text(content: Any) -> Any:
    """A text, or the parts of a multimodal message."""
    if not isinstance(content, list):
        return content
    return [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image_url"}
        for part in content
    ]
