"""Record the tool calls that CrewAI rejects without an event: malformed ones, and unknown tools.

A model without native tool calls writes them as text; for those CrewAI emits an event.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any

from patches.crewai.spans.completion_span import CompletionSpan
from patches.crewai.spans.crew_spans import AgentSpan
from patches.crewai.spans.event_span import ReportedFailureError
from patches.crewai.spans.tool_span import ToolSpan
from patches.patch import Patch
from patches.support.autolog_wrappers import is_autolog_on
from patches.support.call_wrapping import (
    OnResult,
    ignore_result,
    replace_for_block,
    wrap_call,
)


@contextmanager
def _apply() -> Generator[None]:
    from crewai.agents import agent_executor
    from crewai.utilities import agent_utils

    parse = _wrap_parse(agent_utils.parse_tool_call_args)
    with (
        replace_for_block(agent_executor, parse_tool_call_args=parse),
        replace_for_block(agent_utils, parse_tool_call_args=parse),
    ):
        yield


def _wrap_parse(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Record a call whose arguments are not a JSON object, to an agent that calls tools."""

    @wraps(parse)
    def wrapper(func_args: Any, func_name: str, *args: Any, **kwargs: Any) -> Any:
        arguments, rejection = parse(func_args, func_name, *args, **kwargs)
        if rejection is not None:
            _record_rejection(func_name, func_args, rejection["result"])
        elif arguments and not isinstance(arguments, dict | str):
            message = f"the arguments are not a JSON object: {func_args}"
            _record_rejection(func_name, func_args, message)
        return arguments, rejection

    return wrapper


@contextmanager
def _execute_tool(
    model: Any, function_name: str, function_args: Any, available_functions: Any, *_: Any, **__: Any
) -> Generator[OnResult]:
    """Record a call of an unknown tool that a model is to execute itself."""
    if function_name not in available_functions:
        _record_rejection(function_name, function_args, "Tool not found")
    yield ignore_result


def _record_rejection(name: str, arguments: Any, message: str) -> None:
    """Record a failed call in the turn, or in the completion, that it belongs to."""
    caller = CompletionSpan.nearest() or AgentSpan.nearest()
    if caller is None or not is_autolog_on("crewai"):
        return
    event = SimpleNamespace(type="tool_usage_started", tool_name=name, tool_args=arguments)
    ToolSpan(caller.owner, event).end(ReportedFailureError(message))


PATCH = Patch(
    name="crewai.rejected_tool_calls",
    symptom="a native tool call whose arguments are not JSON leaves no span",
    upstream="crewai.utilities.agent_utils.parse_tool_call_args",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="CrewAI emits tool_usage_error for a tool call that it cannot parse",
    canary="tests/patches/crewai/test_rejected_tool_calls.py"
    "::test_upstream_crewai_emits_the_error_of_a_malformed_call",
    apply=_apply,
    wraps={
        "crewai.agents.agent_executor:parse_tool_call_args": "func_args, func_name",
        "crewai.utilities.agent_utils:parse_tool_call_args": "func_args, func_name",
    },
    methods={
        "crewai:BaseLLM._handle_tool_execution": (
            "self, function_name, function_args, available_functions",
            partial(wrap_call, _execute_tool),
        ),
    },
)
