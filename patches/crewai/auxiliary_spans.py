"""The spans of what goes on beside turns and calls: guardrails, memory, knowledge, plans, flows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patches.crewai.crew_spans import AgentSpan, TaskSpan
from patches.crewai.event_span import EventSpan, event_error, first_line, to_json
from patches.support.turn import Message


@dataclass(frozen=True)
class Operation:
    """What a span shows of a pair of events: its type, and the fields of the first and the last."""

    span_type: str
    input_fields: tuple[str, ...] = ()
    output_fields: tuple[str, ...] = ()


OPERATIONS: Mapping[str, Operation] = {
    "memory_retrieval_started": Operation("MEMORY", output_fields=("memory_content",)),
    "memory_query_started": Operation(
        "MEMORY", input_fields=("query", "limit"), output_fields=("results",)
    ),
    "memory_save_started": Operation("MEMORY", input_fields=("value", "metadata")),
    "knowledge_query_started": Operation(
        "RETRIEVER", input_fields=("task_prompt",), output_fields=("query",)
    ),
    "knowledge_search_query_started": Operation(
        "RETRIEVER", output_fields=("query", "retrieved_knowledge")
    ),
    "agent_reasoning_started": Operation(
        "CHAIN", input_fields=("attempt",), output_fields=("plan", "ready")
    ),
}
"""By the event that begins it. The name of the span is the event's, in words."""


class OperationSpan(EventSpan):
    """A pair of events as a span, by the table."""

    def __init__(self, source: Any, event: Any) -> None:
        self._operation = OPERATIONS[event.type]
        name = event.type.removesuffix("_started").replace("_", " ")
        given = _event_fields(event, self._operation.input_fields)
        self.agent = AgentSpan.nearest()
        """In whose turn it began. What a memory saves it saves beside the turn, and longer."""
        super().__init__(source, event, name, self._operation.span_type, given)

    def record_end(self, event: Any) -> BaseException | None:
        self.outputs = _event_fields(event, self._operation.output_fields)
        return super().record_end(event)


class GuardrailSpan(EventSpan):
    """A check of what a turn answered: whether it passed, and what it says if not."""

    def __init__(self, source: Any, event: Any) -> None:
        name = first_line(event.guardrail_name or "guardrail")
        task = TaskSpan.nearest()
        judged = {"output": task.last_output} if task is not None else {}
        attributes = {
            "flight_recorder.guardrail.name": name,
            "flight_recorder.guardrail.type": event.guardrail_type,
            "flight_recorder.guardrail.retry_count": event.retry_count,
        }
        super().__init__(source, event, name, "GUARDRAIL", judged, attributes)

    def record_end(self, event: Any) -> BaseException | None:
        """That it says no is its work done; only what it raises is an error of its own."""
        self.span.set_attribute("flight_recorder.guardrail.passed", event.success)
        said = {"result": to_json(event.result)} if event.success else {"feedback": event.error}
        self.outputs = {"success": event.success} | said
        error = event_error(event)
        return error if error is not None and error.__traceback__ is not None else None


class FlowSpan(EventSpan):
    """A flow of the user's at work; those that CrewAI runs inside itself have none."""

    def __init__(self, flow: Any, event: Any) -> None:
        super().__init__(flow, event, event.flow_name, "CHAIN", to_json(event.inputs or {}))
        self.crew_outputs: dict[object, Message] = {}
        """What its crews came to, in the order in which they were done."""

    def record_end(self, event: Any) -> BaseException | None:
        self.outputs = to_json(getattr(event, "result", None))
        return super().record_end(event)


class MethodSpan(EventSpan):
    """A method of a flow at work."""

    def __init__(self, flow: Any, event: Any) -> None:
        super().__init__(flow, event, event.method_name, "CHAIN", to_json(event.params or {}))

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return super().is_ended_by(start_type, source, event) and self.name == event.method_name

    def record_end(self, event: Any) -> BaseException | None:
        self.outputs = to_json(getattr(event, "result", None))
        return super().record_end(event)


def calling_agent() -> AgentSpan | None:
    """The agent in whose turn the running code asks a model, be it for a memory of its own."""
    aside = OperationSpan.nearest()
    agent = AgentSpan.nearest()
    return aside.agent if agent is None and aside is not None else agent


def is_internal_flow(flow: Any) -> bool:
    """Whether a flow is CrewAI's own: agents and memories run as flows too."""
    return type(flow).__module__.startswith("crewai.")


def _event_fields(event: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(event, name, None) for name in names}
    return {
        name: to_json(_memory_texts(value)) for name, value in values.items() if value is not None
    }


def _memory_texts(value: Any) -> Any:
    """Of the matches that a memory found, what they say."""
    if not isinstance(value, list):
        return value
    return [one.record.content if hasattr(one, "record") else one for one in value]
