"""A fact: what one event of a crew tells about a step, its first or its last."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.span import Tokens
from patches.crewai.crew_spans import task_name
from patches.crewai.event_span import to_json
from patches.support.span_errors import describe_error


@dataclass(frozen=True)
class CrewEvent:
    """An event, without the agents, tasks and models that CrewAI's own holds.

    `begun` is the id of the event that began what this one ends, as CrewAI has it.
    """

    id: str
    type: str
    parent_id: str | None
    started_event_id: str | None
    time_ns: int
    agent: str | None
    name: str
    call_id: str | None
    arguments: Any
    result: Any
    error: str | None
    tokens: Tokens
    model: str | None
    finish_reason: str | None


def event_from_crewai(source: Any, event: Any) -> CrewEvent:
    """What an event tells. `source` is the crew, task, agent, model … that emitted it."""
    agent = getattr(event, "agent", None)
    role = event.agent_role or getattr(agent, "role", None)
    error = getattr(event, "error", None)
    return CrewEvent(
        id=event.event_id,
        type=event.type,
        parent_id=event.parent_event_id,
        started_event_id=event.started_event_id,
        time_ns=int(event.timestamp.timestamp() * 1e9),
        agent=str(role).strip() if role else None,
        name=_step_name(source, event),
        call_id=getattr(event, "call_id", None),
        arguments=_parse_arguments(getattr(event, "tool_args", None)),
        result=_event_result(event),
        error=_error_message(error) if error is not None else None,
        tokens=_token_counts(getattr(event, "usage", None) or {}),
        model=getattr(event, "model", None),
        finish_reason=getattr(event, "finish_reason", None),
    )


def _step_name(source: Any, event: Any) -> str:
    """What MLflow's span of this step is called."""
    kind, _, _ = event.type.partition("_")
    match kind:
        case "crew":
            return str(source.name or "crew")
        case "task":
            return task_name(source)
        case "agent":
            return str(source.role).strip()
        case "tool":
            return str(event.tool_name)
        case "llm":
            named = getattr(event, "guardrail_name", None)
            return str(named) if named else f"{type(source).__name__}.call"
    return str(event.type)


def _event_result(event: Any) -> Any:
    """The text or the JSON values that came; None where a model asks for tools instead."""
    if event.type == "llm_call_completed":
        return event.response if isinstance(event.response, str) else None
    return to_json(getattr(event, "output", None))


def _parse_arguments(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return to_json(arguments)
    try:
        return json.loads(arguments)
    except ValueError:
        return {"arguments": arguments}


def _error_message(error: Any) -> str:
    return describe_error(error) if isinstance(error, BaseException) else str(error)


def _token_counts(usage: Mapping[str, Any]) -> Tokens:
    given = usage.get("prompt_tokens", usage.get("input_tokens"))
    said = usage.get("completion_tokens", usage.get("output_tokens"))
    return Tokens(int(given or 0), int(said or 0))
