"""A CrewAI event reduced to plain data: the start or the end of one step."""

from dataclasses import dataclass
from typing import Any, Self

from instrumentation.trace.span import Tokens
from patches.crewai.spans.crew_spans import task_name
from patches.crewai.spans.event_span import to_json
from patches.support.completion_attributes import COMPLETION_SPAN_NAME, read_token_counts
from patches.support.span_errors import describe_error
from patches.support.tool_calls import parse_arguments


@dataclass(frozen=True)
class CrewEvent:
    """An event without references to CrewAI's agents, tasks and models.

    Attributes:
        parent_id: The id of the event inside which this one was emitted.
        started_event_id: For the end of a step, the id of the event that started it, as CrewAI
            reports it.
        name: The name of the step; equal to the name of its span.
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

    @classmethod
    def from_crewai(cls, source: Any, event: Any) -> Self:
        """Convert an event. `source` is the crew, task, agent or model that emitted it."""
        agent = getattr(event, "agent", None)
        role = event.agent_role or getattr(agent, "role", None)
        error = getattr(event, "error", None)
        return cls(
            id=event.event_id,
            type=event.type,
            parent_id=event.parent_event_id,
            started_event_id=event.started_event_id,
            time_ns=int(event.timestamp.timestamp() * 1e9),
            agent=str(role).strip() if role else None,
            name=_step_name(source, event),
            call_id=getattr(event, "call_id", None),
            arguments=to_json(parse_arguments(getattr(event, "tool_args", None))),
            result=_event_result(event),
            error=_error_message(error) if error is not None else None,
            tokens=_tokens(getattr(event, "usage", None)),
            model=getattr(event, "model", None),
            finish_reason=getattr(event, "finish_reason", None),
        )


def _step_name(source: Any, event: Any) -> str:
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
            guardrail = getattr(event, "guardrail_name", None)
            return str(guardrail) if guardrail else COMPLETION_SPAN_NAME
    return str(event.type)


def _event_result(event: Any) -> Any:
    """The text or the JSON values of a result; None where a model requests tool calls.

    If CrewAI executes a tool call itself, it reports the tool's result as the response.
    """
    if event.type == "llm_call_completed":
        is_text = isinstance(event.response, str) and event.call_type.value == "llm_call"
        return event.response if is_text else None
    return to_json(getattr(event, "output", None))


def _error_message(error: Any) -> str:
    return describe_error(error) if isinstance(error, BaseException) else str(error)


def _tokens(usage: Any) -> Tokens:
    counts = read_token_counts(usage)
    return Tokens(counts.get("input_tokens", 0), counts.get("output_tokens", 0))
