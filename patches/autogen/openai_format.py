"""Convert AutoGen's LLM messages and completions to the format of OpenAI's chat completions API.

MLflow's types and UI read this format.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Iterable
from typing import Any

from patches.support.tool_calls import to_openai_call


def to_openai_messages(messages: Iterable[Any]) -> list[dict[str, Any]]:
    """Convert `autogen_core.models.LLMMessage`s.

    A message with the results of n tool calls becomes n messages with the role `tool`.
    """
    from autogen_core.models import AssistantMessage, SystemMessage, UserMessage

    chat: list[dict[str, Any]] = []
    for message in messages:
        match message:
            case SystemMessage():
                chat.append({"role": "system", "content": message.content})
            case UserMessage():
                content = _content(message.content)
                chat.append({"role": "user", "name": message.source, "content": content})
            case AssistantMessage():
                chat.append(_assistant_message(message.content, message.thought))
            case _:
                chat += [_tool_message(result) for result in message.content]
    return chat


def to_openai_completion(result: Any) -> dict[str, Any]:
    """Convert an `autogen_core.models.CreateResult`, with its token usage if it has one."""
    calls_tools = result.finish_reason == "function_calls"
    choice = {
        "index": 0,
        "finish_reason": "tool_calls" if calls_tools else result.finish_reason,
        "message": _assistant_message(result.content, result.thought),
    }
    token_counts = {
        "prompt_tokens": result.usage.prompt_tokens,
        "completion_tokens": result.usage.completion_tokens,
    }
    usage = {"usage": token_counts} if any(token_counts.values()) else {}
    return {"choices": [choice]} | usage | ({"cached": True} if result.cached else {})


def _assistant_message(content: str | list[Any], thought: str | None) -> dict[str, Any]:
    """Return a reply: text, or tool calls.

    AutoGen keeps text beside tool calls as `thought` and sends it back as content, so it becomes
    `content` here. A thought beside text is not sent back; it becomes `reasoning`, MLflow's name.
    """
    if isinstance(content, str):
        reasoning = {"reasoning": thought} if thought else {}
        return {"role": "assistant", "content": content} | reasoning
    calls = [to_openai_call(call.name, call.arguments, call.id) for call in content]
    return {"role": "assistant", "content": thought, "tool_calls": calls}


def _content(content: str | list[Any]) -> str | list[Any]:
    """Return text as it is, and text with images (`autogen_core.Image`) as content parts."""
    if isinstance(content, str):
        return content
    return [
        {"type": "text", "text": part} if isinstance(part, str) else part.to_openai_format()
        for part in content
    ]


def _tool_message(result: Any) -> dict[str, Any]:
    """Convert a `FunctionExecutionResult`, with a field `is_error`, which OpenAI does not have."""
    message = {
        "role": "tool",
        "tool_call_id": result.call_id,
        "name": result.name,
        "content": result.content,
    }
    return message | ({"is_error": True} if result.is_error else {})
