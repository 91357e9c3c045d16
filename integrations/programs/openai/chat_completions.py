"""Programs that request chat completions with the `openai` client, without streaming."""

import asyncio
from typing import Any

import openai

from integrations.programs.case_context import MODEL, TOOL_CREDENTIAL, CaseContext
from integrations.programs.openai.building_blocks import (
    CHAT_REQUEST,
    SNOW_TOOL_SCHEMA,
    client_settings,
    run_snow_tool,
)


def sync(context: CaseContext) -> str:
    """One request with the synchronous client."""
    with openai.OpenAI(**client_settings(context)) as client:
        return str(client.chat.completions.create(**CHAT_REQUEST).choices[0].message.content)


async def asynchronous(context: CaseContext) -> str:
    """One request with the asynchronous client."""
    async with openai.AsyncOpenAI(**client_settings(context)) as client:
        completion = await client.chat.completions.create(**CHAT_REQUEST)
        return str(completion.choices[0].message.content)


def tool_calls(context: CaseContext) -> str:
    """Two tool calls in one reply, then the answer."""
    messages: list[Any] = [*CHAT_REQUEST["messages"]]
    tools = [{"type": "function", "function": SNOW_TOOL_SCHEMA}]
    request: dict[str, Any] = {"model": MODEL, "tools": tools}
    with openai.OpenAI(**client_settings(context)) as client:
        while True:
            completion = client.chat.completions.create(messages=messages, **request)
            message = completion.choices[0].message
            if not message.tool_calls:
                return str(message.content)
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                result = run_snow_tool(call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def retried(context: CaseContext) -> str:
    """A client that retries a rate-limited request by itself."""
    with openai.OpenAI(**{**client_settings(context), "max_retries": 2}) as client:
        return str(client.chat.completions.create(**CHAT_REQUEST).choices[0].message.content)


async def cancelled(context: CaseContext) -> str:
    """A request that the caller cancels before the answer arrives."""
    async with openai.AsyncOpenAI(**client_settings(context)) as client:
        request = asyncio.ensure_future(client.chat.completions.create(**CHAT_REQUEST))
        done, _ = await asyncio.wait([request], timeout=1.0)
        request.cancel()
        await asyncio.wait([request])
        return "an answer" if done else "none"


def own_headers(context: CaseContext) -> str:
    """A request with a credential in an extra header, as gateways need it."""
    headers = {"x-gateway": TOOL_CREDENTIAL}
    with openai.OpenAI(**client_settings(context)) as client:
        completion = client.chat.completions.create(**CHAT_REQUEST, extra_headers=headers)
        return str(completion.choices[0].message.content)
