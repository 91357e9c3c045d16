"""Chat completions that come in pieces."""

import json
from typing import Any

import httpx
import openai

from integrations.programs.case_context import CaseContext
from integrations.programs.openai.client_settings import (
    CHAT_REQUEST,
    SNOW_TOOL_SCHEMA,
    client_settings,
)

STREAM_OPTIONS: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def stream(world: CaseContext) -> str:
    with openai.OpenAI(**client_settings(world)) as client:
        return "".join(
            map(_chunk_text, client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS))
        )


async def async_stream(world: CaseContext) -> str:
    async with openai.AsyncOpenAI(**client_settings(world)) as client:
        chunks = await client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS)
        return "".join([_chunk_text(chunk) async for chunk in chunks])


def stream_breaks(world: CaseContext) -> str:
    """It is caught: what had come by then is the answer."""
    heard: list[str] = []
    with openai.OpenAI(**client_settings(world)) as client:
        try:
            for chunk in client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS):
                heard.append(_chunk_text(chunk))
        except (httpx.HTTPError, openai.APIError):
            return "".join(heard)
    raise AssertionError("the stream did not break")


def stream_ends_early(world: CaseContext) -> str:
    """As a proxy ends one that gives up: nothing is raised, and no finish reason came."""
    return stream(world)


def streamed_tool_calls(world: CaseContext) -> str:
    """Two in one reply, in pieces; the answer is what they were called with."""
    said: dict[int, str] = {}
    asked: dict[str, Any] = {"tools": [{"type": "function", "function": SNOW_TOOL_SCHEMA}]}
    with openai.OpenAI(**client_settings(world)) as client:
        for chunk in client.chat.completions.create(**CHAT_REQUEST, **STREAM_OPTIONS, **asked):
            for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                said[call.index] = said.get(call.index, "") + (call.function.arguments or "")
    return ", ".join(json.loads(arguments)["place"] for arguments in said.values())


def _chunk_text(chunk: Any) -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""
