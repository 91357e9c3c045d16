"""Let a tool that its author traces with `@mlflow.trace` share the span of its call.

Otherwise one call leaves two TOOL spans.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial, wraps
from importlib import import_module
from typing import Any

from patches.crewai.spans.tool_span import ToolSpan
from patches.support.call_wrapping import (
    OnResult,
    ignore_result,
    replace_for_block,
    set_for_block,
    wrap_call,
    wrap_methods,
)
from patches.support.open_span import OpenSpan
from patches.support.tool_calls import find_user_traced_tool

_SHARED: ContextVar[ToolSpan | None] = ContextVar("span for the tool's own", default=None)
"""The span of the call whose tool, traced by its author, is about to run."""
TOOL_METHODS = {
    "crewai.tools.base_tool:BaseTool.run": "self",
    "crewai.tools.base_tool:BaseTool.arun": "self",
    "crewai.tools.structured_tool:CrewStructuredTool.invoke": "self, input",
    "crewai.tools.structured_tool:CrewStructuredTool.ainvoke": "self, input",
    "mlflow.tracing.fluent:start_span": "name, span_type, attributes",
}
"""The upstream code that is wrapped, as `Patch.wraps`."""


@contextmanager
def share_spans_with_user_traced_tools() -> Generator[None]:
    """During the block, the decorator of a tool's author adds to the span of the call."""
    from crewai.tools.base_tool import BaseTool
    from crewai.tools.structured_tool import CrewStructuredTool

    fluent = import_module("mlflow.tracing.fluent")
    wrap = partial(wrap_call, _run_tool)
    with (
        replace_for_block(fluent, start_span=_wrap_start_span(fluent.start_span)),
        wrap_methods(
            *((BaseTool, "run", wrap), (BaseTool, "arun", wrap)),
            *((CrewStructuredTool, "invoke", wrap), (CrewStructuredTool, "ainvoke", wrap)),
        ),
    ):
        yield


@contextmanager
def _run_tool(tool: Any, *_: Any, **__: Any) -> Generator[OnResult]:
    span = OpenSpan.innermost()
    is_shared = isinstance(span, ToolSpan) and find_user_traced_tool(_function_of(tool)) is not None
    with set_for_block(_SHARED, span) if is_shared else nullcontext():
        yield ignore_result


def _function_of(tool: Any) -> Any:
    """Return what a tool runs, which may be another tool's method that runs a function."""
    function = getattr(tool, "func", None) or getattr(type(tool), "_run", None)
    return getattr(getattr(function, "__self__", None), "func", None) or function


def _wrap_start_span(start_span: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(start_span)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        shared = _SHARED.get()
        is_tools_own = kwargs.get("span_type") == "TOOL" and shared is OpenSpan.innermost()
        if shared is None or shared.is_ended or not is_tools_own:
            return start_span(*args, **kwargs)
        return _share(shared, kwargs.get("attributes") or {})

    return wrapper


@contextmanager
def _share(call: ToolSpan, attributes: Mapping[str, Any]) -> Generator["WriteProtectedSpan"]:
    """Yield the span of the call; further spans in the tool are its children."""
    call.span.set_attributes(dict(attributes))
    with set_for_block(_SHARED, None):
        yield WriteProtectedSpan(call.span)


class WriteProtectedSpan:
    """The span of a call, which ignores the inputs, the outputs and the name of a decorator."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def __getattr__(self, name: str) -> Any:
        return getattr(self._span, name)

    def set_inputs(self, inputs: Any) -> None:
        """Keep the arguments that the model wrote."""

    def set_outputs(self, outputs: Any) -> None:
        """Leave the result to the event of the call."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Keep the name of the tool, not that of its function."""
