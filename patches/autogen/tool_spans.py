"""Record a TOOL span for each tool call of an AutoGen agent; MLflow records none.

One method of an assistant executes all of its calls: parallel ones, calls to a workbench, handoffs,
and calls with an unknown tool or invalid arguments. Other agents run their tools themselves.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from copy import copy
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from patches.autogen.chat_format import to_json
from patches.autogen.core_span import CoreAgentSpan
from patches.autogen.turn_spans import TurnSpan
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, wrap_async_call, wrap_methods
from patches.support.error_boundaries import call_with_fallback
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import lifetime, wrap_stream
from patches.support.tool_calls import find_user_traced_tool, parse_arguments


class ToolCallError(Exception):
    """Recorded on a tool call whose result, as sent to the model, is an error."""


class ToolSpan(OpenSpan):
    """The span of one tool call.

    Attributes:
        has_run: Whether its tool was run; a tool that runs after that is called by this one.
    """

    def __init__(self, owner: Any, name: str, arguments: Any, call_id: str | None) -> None:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": call_id,
        }
        if (agent := TurnSpan.nearest() or CoreAgentSpan.nearest()) is not None:
            attributes["gen_ai.agent.name"] = agent.name
        super().__init__(owner, name, "TOOL", arguments, attributes)
        self.has_run = False
        self._error: ToolCallError | None = None

    def record_item(self, item: Any) -> None:
        """Record the result, and whether it is an error; `item` is the call and its result."""
        _, result = item
        self.outputs = result.content
        if result.is_error:
            self._error = ToolCallError(result.content)

    def end(self, error: BaseException | None = None) -> None:
        super().end(error or self._error)


class RunSpan(ToolSpan):
    """The span of a tool that an agent runs itself."""

    def record_item(self, item: Any) -> None:
        """Record a result as a workbench passes it to the model; of a stream, it is the last."""
        to_text = partial(self.owner.return_value_as_string, item)  # a method of the user's tool
        self.outputs = call_with_fallback(to_text, lambda _: to_json(item))


def _apply() -> AbstractContextManager[None]:
    from autogen_agentchat.agents import AssistantAgent
    from autogen_core.tools import BaseTool, FunctionTool

    return wrap_methods(
        (AssistantAgent, "_execute_tool_call", partial(wrap_async_call, _record_call)),
        (BaseTool, "run_json", partial(wrap_async_call, _record_run)),
        (BaseTool, "run_json_stream", partial(wrap_stream, _open_if_needed)),
        (BaseTool, "run", partial(_wrap_run, FunctionTool.run)),
    )


def _record_call(tool_call: Any, *args: Any, **kwargs: Any) -> AbstractContextManager[OnResult]:
    if ToolSpan.is_open_for(tool_call):
        return lifetime(None)
    arguments = parse_arguments(tool_call.arguments)
    return lifetime(ToolSpan(tool_call, tool_call.name, arguments, tool_call.id))


def _record_run(tool: Any, *args: Any, **kwargs: Any) -> AbstractContextManager[OnResult]:
    return lifetime(_open_if_needed(tool, *args, **kwargs))


def _open_if_needed(
    tool: Any, args: Any, cancellation_token: Any, call_id: str | None = None, *_: Any, **__: Any
) -> RunSpan | None:
    """Open a span for a tool that an agent runs itself.

    None outside of an agent, for `super()`, and for the tool of a call that has a span already.
    """
    caller = OpenSpan.innermost()
    if caller is None or caller.owner is tool:
        return None
    if isinstance(caller, ToolSpan) and not caller.has_run:
        caller.has_run = True
        return None
    span = RunSpan(tool, tool.name, to_json(args), call_id)
    span.has_run = True
    return span


def _wrap_run(function_run: Callable[..., Any], run: Callable[..., Any]) -> Callable[..., Any]:
    """Run a tool below the span of its call.

    A synchronous function runs in a thread, which gets a copy of the context: without it, spans
    that the tool opens would start a new trace. A function or method that its author traces as a
    tool does not get a second span. A `run` that a tool's author wrote, and not `FunctionTool.run`,
    may change the tool.
    """
    traced_run = find_user_traced_tool(run)
    runs_function = run is function_run

    @wraps(run)
    async def run_below_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        span = OpenSpan.innermost()
        if not isinstance(span, ToolSpan):
            return await run(self, *args, **kwargs)
        if traced_run is not None:
            span.span.set_attributes(traced_run.attributes)
            return await traced_run.function(self, *args, **kwargs)
        tool = _prepare_function(self, span) if runs_function else self
        try:
            return await run(tool, *args, **kwargs)
        except (KeyboardInterrupt, SystemExit) as error:
            span.end(error)  # asyncio stops at once, and cancels the task that waits for the tool
            raise

    return run_below_call


def _prepare_function(tool: Any, span: ToolSpan) -> Any:
    """Return a copy of a `FunctionTool` whose function runs in this context, in any thread."""
    if (function := getattr(tool, "_func", None)) is None:
        return tool
    if (traced := find_user_traced_tool(function)) is not None:
        span.span.set_attributes(traced.attributes)
        function = traced.function
    if not iscoroutinefunction(function):
        function = partial(copy_context().run, function)
    if function is not tool._func:
        tool = copy(tool)
        tool._func = function
    return tool


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
        "autogen_core.tools:BaseTool.run_json": "self, args, cancellation_token",
        "autogen_core.tools:BaseStreamTool.run_json_stream": "self, args, cancellation_token",
        "autogen_core.tools:FunctionTool.run": "self, args",
        "autogen_core:FunctionCall.name": "",
        "autogen_core:FunctionCall.id": "",
        "autogen_core:FunctionCall.arguments": "",
    },
)
