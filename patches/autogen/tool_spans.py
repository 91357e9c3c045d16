"""Record a TOOL span for each tool call of an AutoGen assistant; MLflow records none.

One method executes all calls: parallel ones, calls to a workbench, handoffs, and calls with an
unknown tool or invalid arguments.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import copy_context
from copy import copy
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from patches.autogen.turn_spans import TurnSpan
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_async_call
from patches.support.open_span import OpenSpan
from patches.support.subclass_wrapping import wrap_in_all_subclasses


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
    from autogen_core.tools import FunctionTool

    with (
        wrap_in_all_subclasses(
            AssistantAgent, "_execute_tool_call", partial(wrap_async_call, _record_call)
        ),
        wrap_in_all_subclasses(FunctionTool, "run", _wrap_run),
    ):
        yield


@contextmanager
def _record_call(tool_call: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    if ToolSpan.is_open_for(tool_call):
        yield ignore_result
        return
    span = ToolSpan(tool_call)
    with span.lifetime():
        yield lambda call_and_result: span.record_item(call_and_result[1])


def _wrap_run(run: Callable[..., Any]) -> Callable[..., Any]:
    """Copy the context into the thread in which a synchronous tool runs.

    Without it, spans that the tool opens would start a new trace.
    """

    @wraps(run)
    async def run_in_context(self: Any, *args: Any, **kwargs: Any) -> Any:
        tool = self
        if not iscoroutinefunction(self._func):
            tool = copy(self)
            tool._func = partial(copy_context().run, self._func)
        return await run(tool, *args, **kwargs)

    return run_in_context


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
)
