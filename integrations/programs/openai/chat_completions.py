"""Chat completions that come whole, or not at all."""

import asyncio
from typing import Any

import openai

from integrations.programs.case_context import CREDENTIAL, MODEL, World
from integrations.programs.openai.client_settings import CHAT, SCHEMA, settings, snow


def sync(world: World) -> str:
    with openai.OpenAI(**settings(world)) as client:
        return str(client.chat.completions.create(**CHAT).choices[0].message.content)


async def asynchronous(world: World) -> str:
    async with openai.AsyncOpenAI(**settings(world)) as client:
        answer = await client.chat.completions.create(**CHAT)
        return str(answer.choices[0].message.content)


def tool_calls(world: World) -> str:
    """Two at once, and then the answer."""
    messages: list[Any] = [*CHAT["messages"]]
    asked: dict[str, Any] = {"model": MODEL, "tools": [{"type": "function", "function": SCHEMA}]}
    with openai.OpenAI(**settings(world)) as client:
        while True:
            said = client.chat.completions.create(messages=messages, **asked).choices[0].message
            if not said.tool_calls:
                return str(said.content)
            messages.append(said.model_dump(exclude_none=True))
            for call in said.tool_calls:
                result = snow(call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def retried(world: World) -> str:
    """The client tries again by itself."""
    with openai.OpenAI(**{**settings(world), "max_retries": 2}) as client:
        return str(client.chat.completions.create(**CHAT).choices[0].message.content)


async def cancelled(world: World) -> str:
    """Whoever asked does not wait for the answer."""
    async with openai.AsyncOpenAI(**settings(world)) as client:
        asked = asyncio.ensure_future(client.chat.completions.create(**CHAT))
        done, _ = await asyncio.wait([asked], timeout=1.0)
        asked.cancel()
        await asyncio.wait([asked])
        return "an answer" if done else "none"


def own_headers(world: World) -> str:
    """A credential of a gateway's, as many need one."""
    with openai.OpenAI(**settings(world)) as client:
        answer = client.chat.completions.create(**CHAT, extra_headers={"x-gateway": CREDENTIAL})
        return str(answer.choices[0].message.content)
