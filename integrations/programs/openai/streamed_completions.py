"""Programs that stream chat completions with the `openai` client."""

import json
from typing import Any

import httpx
import openai

from integrations.programs.case_context import CaseContext
from integrations.programs.openai.building_blocks import (
    CHAT_REQUEST,
    SNOW_TOOL_SCHEMA,
    client_settings,
)

STREAM_OPTIONS: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def stream(context: CaseContext) -> str:
    """A stream of the synchronous client."""
    with openai.OpenAI(**client_settings(context)) as client:
        chunks = client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS)
        return "".join(map(_chunk_text, chunks))


async def async_stream(context: CaseContext) -> str:
    """A stream of the asynchronous client."""
    async with openai.AsyncOpenAI(**client_settings(context)) as client:
        chunks = await client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS)
        return "".join([_chunk_text(chunk) async for chunk in chunks])


def stream_connection_breaks(context: CaseContext) -> str:
    """A stream whose connection breaks. The program handles it and returns the partial text."""
    received: list[str] = []
    with openai.OpenAI(**client_settings(context)) as client:
        try:
            for chunk in client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS):
                received.append(_chunk_text(chunk))
        except (httpx.HTTPError, openai.APIError):
            return "".join(received)
    raise AssertionError("the stream did not break")


def stream_without_finish_reason(context: CaseContext) -> str:
    """A stream that ends cleanly without a finish reason, as some proxies do. Nothing is raised."""
    return stream(context)


def streamed_tool_calls(context: CaseContext) -> str:
    """Two streamed tool calls in one reply. Returns the places that they name."""
    arguments: dict[int, str] = {}
    tools: Any = [{"type": "function", "function": SNOW_TOOL_SCHEMA}]
    with openai.OpenAI(**client_settings(context)) as client:
        for chunk in client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS, tools=tools):
            for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                so_far = arguments.get(call.index, "")
                arguments[call.index] = so_far + (call.function.arguments or "")
    return ", ".join(json.loads(each)["place"] for each in arguments.values())


def _chunk_text(chunk: Any) -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""
