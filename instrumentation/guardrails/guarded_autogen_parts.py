"""Copies of AutoGen's model clients, tools and workbenches that ask guardrails before each call."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from autogen_core import CancellationToken
from autogen_core.models import ChatCompletionClient, CreateResult
from autogen_core.tools import (
    BaseTool,
    FunctionTool,
    StreamTool,
    TextResultContent,
    ToolResult,
    ToolSchema,
    Workbench,
)

from instrumentation.guardrails.guardrail import GuardrailBlockedError
from instrumentation.guardrails.guardrails import Guardrails, coerce_arguments
from instrumentation.trace.span import Tokens

Object = TypeVar("Object")


def guard_agent_part(target: Any, guardrails: Guardrails, model: str) -> Any:
    """Return a guarded copy of a model client, workbench, tool or function."""
    if isinstance(target, ChatCompletionClient):
        return guard_client(target, guardrails, model)
    if isinstance(target, Workbench):
        return GuardedWorkbench(target, guardrails)
    return guard_tool(target, guardrails)


def guard_client(
    client: ChatCompletionClient, guardrails: Guardrails, model: str
) -> ChatCompletionClient:
    """Return a copy of a model client that checks the budget before each completion."""
    guarded: Any = _copy(client)
    create, create_stream = guarded.create, guarded.create_stream

    def add_usage(result: CreateResult) -> None:
        tokens = Tokens(result.usage.prompt_tokens, result.usage.completion_tokens)
        guardrails.add_usage(model, tokens)

    async def checked_create(*args: Any, **kwargs: Any) -> CreateResult:
        guardrails.check_completion()
        result: CreateResult = await create(*args, **kwargs)
        add_usage(result)
        return result

    async def checked_create_stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
        guardrails.check_completion()
        async with aclosing(create_stream(*args, **kwargs)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, CreateResult):
                    add_usage(chunk)
                yield chunk

    guarded.create, guarded.create_stream = checked_create, checked_create_stream
    return guarded  # type: ignore[no-any-return] # the class of `client`


def guard_tool(
    tool: BaseTool[Any, Any] | Callable[..., Any], guardrails: Guardrails
) -> BaseTool[Any, Any]:
    """Return a copy of a tool that is asked for before each call.

    A blocked call raises `GuardrailBlockedError`. AutoGen gives the model its message as a result.
    """
    if not isinstance(tool, BaseTool):
        tool = FunctionTool(tool, description=tool.__doc__ or "")
    guarded: Any = _copy(tool)
    run_json, name, schema = guarded.run_json, tool.name, tool.args_type()

    async def checked_run_json(args: Mapping[str, Any], *more: Any, **options: Any) -> Any:
        guardrails.check_call(name, coerce_arguments(schema, args))
        return await run_json(args, *more, **options)

    guarded.run_json = checked_run_json
    if isinstance(tool, StreamTool):
        run_json_stream = guarded.run_json_stream

        async def checked_stream(
            args: Mapping[str, Any], *more: Any, **options: Any
        ) -> AsyncGenerator[Any]:
            guardrails.check_call(name, coerce_arguments(schema, args))
            async with aclosing(run_json_stream(args, *more, **options)) as items:
                async for item in items:
                    yield item

        guarded.run_json_stream = checked_stream
    return guarded  # type: ignore[no-any-return] # the class of `tool`


class GuardedWorkbench(Workbench):
    """A workbench, such as one of an MCP server, that is asked for before each call."""

    def __init__(self, inner: Workbench, guardrails: Guardrails) -> None:
        self._inner, self._guardrails = inner, guardrails

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
        call_id: str | None = None,
    ) -> ToolResult:
        try:
            self._guardrails.check_call(name, arguments or {})
        except GuardrailBlockedError as error:
            return ToolResult(
                name=name, result=[TextResultContent(content=str(error))], is_error=True
            )
        return await self._inner.call_tool(name, arguments, cancellation_token, call_id)

    async def list_tools(self) -> list[ToolSchema]:
        return await self._inner.list_tools()

    async def start(self) -> None:
        await self._inner.start()

    async def stop(self) -> None:
        await self._inner.stop()

    async def reset(self) -> None:
        await self._inner.reset()

    async def save_state(self) -> Mapping[str, Any]:
        return await self._inner.save_state()

    async def load_state(self, state: Mapping[str, Any]) -> None:
        await self._inner.load_state(state)


def _copy(original: Object) -> Object:
    """Copy an object with what it holds, such as its connections.

    `copy.copy` would have an OpenAI client of AutoGen open new ones.
    """
    twin = object.__new__(type(original))
    vars(twin).update(vars(original))
    return twin
