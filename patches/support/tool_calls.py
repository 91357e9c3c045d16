"""Tool calls: their form in OpenAI's API, their arguments, and tools that their author traces."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getclosurevars, unwrap
from typing import Any


@dataclass(frozen=True)
class UserTracedTool:
    """A function that its author decorated with `@mlflow.trace(span_type="TOOL")`."""

    function: Callable[..., Any]
    attributes: Mapping[str, Any]


def find_user_traced_tool(function: Callable[..., Any]) -> UserTracedTool | None:
    """Return what is below the decorator, or None if there is none for a tool."""
    if not getattr(function, "__mlflow_traced__", False):
        return None
    context = getclosurevars(function).nonlocals.get("_WrappingContext")
    logic = getattr(context, "_wrapping_logic", None)
    settings = getclosurevars(logic).nonlocals if logic is not None else {}
    if settings.get("span_type") != "TOOL":
        return None
    return UserTracedTool(unwrap(function), settings.get("attributes") or {})


def parse_arguments(arguments: Any) -> Any:
    """Return the arguments that a model wrote: parsed if they are JSON, otherwise as text."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return {"arguments": arguments}


def to_openai_call(name: Any, arguments: Any, call_id: Any) -> dict[str, Any]:
    """Return a tool call in the form of OpenAI's chat API."""
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}
