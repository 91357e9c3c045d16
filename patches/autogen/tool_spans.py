"""Record a TOOL span for each tool call of an AutoGen assistant; MLflow records none.

One method executes all calls: parallel ones, calls to a workbench, handoffs, and calls with an
unknown tool or invalid arguments.
"""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from copy import copy
from dataclasses import dataclass
from functools import partial, wraps
from inspect import getclosurevars, iscoroutinefunction, unwrap
from typing import Any

from patches.autogen.turn_spans import TurnSpan
from patches.patch import Patch
from patches.support.call_wrapping import (
    OnResult,
    ignore_result,
    wrap_async_call,
    wrap_in_all_subclasses,
)
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import lifetime


class ToolCallError(Exception):
    """Recorded on a tool call whose result, as sent to the model, is an error."""


class ToolSpan(OpenSpan):
    """The span of one tool call."""

    def __init__(self, call: Any) -> None:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.call.id": call.id,
        }
        if (turn := TurnSpan.nearest()) is not None:
            attributes["gen_ai.agent.name"] = turn.name
        super().__init__(call, call.name, "TOOL", _parse_arguments(call.arguments), attributes)
        self._error: ToolCallError | None = None

    def record_item(self, item: Any) -> None:
        """Record the result, and whether it is an error."""
        self.outputs = item.content
        if item.is_error:
            self._error = ToolCallError(item.content)

    def end(self, error: BaseException | None = None) -> None:
        super().end(error or self._error)


@contextmanager
def _apply() -> Generator[None]:
    from autogen_agentchat.agents import AssistantAgent
    from autogen_core.tools import BaseTool

    with (
        wrap_in_all_subclasses(
            AssistantAgent, "_execute_tool_call", partial(wrap_async_call, _record_call)
        ),
        wrap_in_all_subclasses(BaseTool, "run", _wrap_run),
    ):
        yield


@contextmanager
def _record_call(tool_call: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    if ToolSpan.is_open_for(tool_call):
        yield ignore_result
        return
    span = ToolSpan(tool_call)
    with lifetime(span):
        yield lambda call_and_result: span.record_item(call_and_result[1])


def _wrap_run(run: Callable[..., Any]) -> Callable[..., Any]:
    """Run a tool below the span of its call.

    A synchronous function runs in a thread, which gets a copy of the context: without it, spans
    that the tool opens would start a new trace. A function or method that its author traces as a
    tool does not get a second span.
    """
    traced_run = _find_traced_tool(run)

    @wraps(run)
    async def run_below_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        span = OpenSpan.innermost()
        if not isinstance(span, ToolSpan):
            return await run(self, *args, **kwargs)
        if traced_run is not None:
            span.span.set_attributes(traced_run.attributes)
            return await traced_run.function(self, *args, **kwargs)
        return await run(_prepare_function(self, span), *args, **kwargs)

    return run_below_call


def _prepare_function(tool: Any, span: ToolSpan) -> Any:
    """Return a copy of a `FunctionTool` whose function runs in this context, in any thread."""
    if (function := getattr(tool, "_func", None)) is None:
        return tool
    if (traced := _find_traced_tool(function)) is not None:
        span.span.set_attributes(traced.attributes)
        function = traced.function
    if not iscoroutinefunction(function):
        function = partial(copy_context().run, function)
    if function is not tool._func:
        tool = copy(tool)
        tool._func = function
    return tool


@dataclass(frozen=True)
class TracedTool:
    """A function that its author decorated with `@mlflow.trace(span_type="TOOL")`."""

    function: Callable[..., Any]
    attributes: Mapping[str, Any]


def _find_traced_tool(function: Callable[..., Any]) -> TracedTool | None:
    """Return what is below the decorator, or None if there is none for a tool."""
    if not getattr(function, "__mlflow_traced__", False):
        return None
    context = getclosurevars(function).nonlocals.get("_WrappingContext")
    logic = getattr(context, "_wrapping_logic", None)
    settings = getclosurevars(logic).nonlocals if logic is not None else {}
    if settings.get("span_type") != "TOOL":
        return None
    return TracedTool(unwrap(function), settings.get("attributes") or {})


def _parse_arguments(text: str) -> Any:
    """Return the arguments that the model wrote: parsed if they are JSON, otherwise as text."""
    try:
        return json.loads(text)
    except ValueError:
        return {"arguments": text}


PATCH = Patch(
    name="autogen.tool_spans",
    symptom="the tool calls of an AutoGen agent have no span",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10,<3.19", "autogen-agentchat": ">=0.7,<0.8"},
    delete_when="autolog() records tool calls",
    canary="tests/patches/autogen/test_tool_spans.py::test_upstream_autolog_records_a_tool_call",
    apply=_apply,
    wraps={
        "autogen_agentchat.agents:AssistantAgent._execute_tool_call": "tool_call",
        "autogen_core.tools:BaseTool.run": "self, args",
        "autogen_core:FunctionCall.name": "",
        "autogen_core:FunctionCall.id": "",
        "autogen_core:FunctionCall.arguments": "",
    },
)
