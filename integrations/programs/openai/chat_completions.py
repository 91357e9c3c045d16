"""Chat completions that come whole, or not at all."""

import asyncio
from typing import Any

import openai

from integrations.programs.case_context import MODEL, TOOL_CREDENTIAL, CaseContext
from integrations.programs.openai.client_settings import (
    CHAT_REQUEST,
    SNOW_TOOL_SCHEMA,
    client_settings,
    run_snow_tool,
)


def sync(world: CaseContext) -> str:
    with openai.OpenAI(**client_settings(world)) as client:
        return str(client.chat.completions.create(**CHAT_REQUEST).choices[0].message.content)


async def asynchronous(world: CaseContext) -> str:
    async with openai.AsyncOpenAI(**client_settings(world)) as client:
        answer = await client.chat.completions.create(**CHAT_REQUEST)
        return str(answer.choices[0].message.content)


def tool_calls(world: CaseContext) -> str:
    """Two at once, and then the answer."""
    messages: list[Any] = [*CHAT_REQUEST["messages"]]
    asked: dict[str, Any] = {
        "model": MODEL,
        "tools": [{"type": "function", "function": SNOW_TOOL_SCHEMA}],
    }
    with openai.OpenAI(**client_settings(world)) as client:
        while True:
            said = client.chat.completions.create(messages=messages, **asked).choices[0].message
            if not said.tool_calls:
                return str(said.content)
            messages.append(said.model_dump(exclude_none=True))
            for call in said.tool_calls:
                result = run_snow_tool(call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def retried(world: CaseContext) -> str:
    """The client tries again by itself."""
    with openai.OpenAI(**{**client_settings(world), "max_retries": 2}) as client:
        return str(client.chat.completions.create(**CHAT_REQUEST).choices[0].message.content)


async def cancelled(world: CaseContext) -> str:
    """Whoever asked does not wait for the answer."""
    async with openai.AsyncOpenAI(**client_settings(world)) as client:
        asked = asyncio.ensure_future(client.chat.completions.create(**CHAT_REQUEST))
        done, _ = await asyncio.wait([asked], timeout=1.0)
        asked.cancel()
        await asyncio.wait([asked])
        return "an answer" if done else "none"


def own_headers(world: CaseContext) -> str:
    """A credential of a gateway's, as many need one."""
    with openai.OpenAI(**client_settings(world)) as client:
        answer = client.chat.completions.create(
            **CHAT_REQUEST, extra_headers={"x-gateway": TOOL_CREDENTIAL}
        )
        return str(answer.choices[0].message.content)
