"""AutoGen's messages in the shape of OpenAI's chat completions, which MLflow's types and UI read.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Iterable
from typing import Any


def to_openai_messages(messages: Iterable[Any]) -> list[dict[str, Any]]:
    """What a model is sent, message by message.

    Takes `autogen_core.models.LLMMessage`s. One that holds the results of n tool calls gives n
    messages of role `tool`; every other gives one.
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
                chat.append(_assistant(message.content, message.thought))
            case _:
                chat += [_tool_result(result) for result in message.content]
    return chat


def to_openai_completion(result: Any) -> dict[str, Any]:
    """What a model answers: an `autogen_core.models.CreateResult`, with its tokens, if counted."""
    calls_tools = result.finish_reason == "function_calls"
    choice = {
        "index": 0,
        "finish_reason": "tool_calls" if calls_tools else result.finish_reason,
        "message": _assistant(result.content, result.thought),
    }
    usage = {
        "prompt_tokens": result.usage.prompt_tokens,
        "completion_tokens": result.usage.completion_tokens,
    }
    counted = {"usage": usage} if any(usage.values()) else {}
    return {"choices": [choice]} | counted | ({"cached": True} if result.cached else {})


def _assistant(content: str | list[Any], thought: str | None) -> dict[str, Any]:
    """A reply: text, or the tool calls that it asks for.

    AutoGen keeps the text beside tool calls as their thought and sends it back as content, so it
    stands there. A thought beside text is not sent back: it is `reasoning`, as MLflow calls it.
    """
    if isinstance(content, str):
        reasoning = {"reasoning": thought} if thought else {}
        return {"role": "assistant", "content": content} | reasoning
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in content
    ]
    return {"role": "assistant", "content": thought, "tool_calls": calls}


def _content(content: str | list[Any]) -> str | list[Any]:
    """Text as it is; text and images (`autogen_core.Image`) as content parts."""
    if isinstance(content, str):
        return content
    return [
        {"type": "text", "text": part} if isinstance(part, str) else part.to_openai_format()
        for part in content
    ]


def _tool_result(result: Any) -> dict[str, Any]:
    """A `FunctionExecutionResult`; a failure, for which OpenAI has no place, gets its own."""
    said = {
        "role": "tool",
        "tool_call_id": result.call_id,
        "name": result.name,
        "content": result.content,
    }
    return said | ({"is_error": True} if result.is_error else {})
