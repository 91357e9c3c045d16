"""Spans for CrewAI's guardrails, memory, knowledge and planning, which are not turns or calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patches.crewai.spans.crew_spans import AgentSpan, TaskSpan
from patches.crewai.spans.event_span import (
    EventSpan,
    ReportedFailureError,
    event_error,
    first_line,
    to_json,
)


@dataclass(frozen=True)
class Operation:
    """How to record a pair of start and end events.

    Attributes:
        input_fields: Fields of the start event that become inputs.
        output_fields: Fields of the end event that become outputs.
    """

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
"""By type of the start event, whose words become the span's name."""


class OperationSpan(EventSpan):
    """A memory, knowledge or planning operation, recorded as `OPERATIONS` says.

    Attributes:
        agent: The agent in whose turn it started. Saving to memory outlasts the turn.
    """

    def __init__(self, source: Any, event: Any) -> None:
        self._operation = OPERATIONS[event.type]
        name = event.type.removesuffix("_started").replace("_", " ")
        inputs = _event_fields(event, self._operation.input_fields)
        self.agent = AgentSpan.nearest()
        super().__init__(source, event, name, self._operation.span_type, inputs)

    def record_end(self, event: Any) -> BaseException | None:
        self.outputs = _event_fields(event, self._operation.output_fields)
        return super().record_end(event)


def end_failed_search(agent: Any) -> None:
    """End the search for knowledge before an agent's turn, if it is still open.

    CrewAI reports no end of a search for which the model wrote no query.
    """
    search = OperationSpan.innermost()
    if not isinstance(search, OperationSpan) or search.owner is not agent:
        return
    if search.start_type == "knowledge_search_query_started":
        search.end(ReportedFailureError("without a query, no knowledge was retrieved"))
        search.deactivate()


class GuardrailSpan(EventSpan):
    """The check of a turn's output: whether it passed, and the feedback if it did not."""

    def __init__(self, source: Any, event: Any) -> None:
        name = first_line(event.guardrail_name or "guardrail")
        task = TaskSpan.nearest()
        inputs = {"output": task.last_output} if task is not None else {}
        attributes = {
            "flight_recorder.guardrail.name": name,
            "flight_recorder.guardrail.type": event.guardrail_type,
            "flight_recorder.guardrail.retry_count": event.retry_count,
        }
        super().__init__(source, event, name, "GUARDRAIL", inputs, attributes)

    def record_end(self, event: Any) -> BaseException | None:
        """Record the verdict. A rejection is no error; an exception in the guardrail is."""
        self.span.set_attribute("flight_recorder.guardrail.passed", event.success)
        detail = {"result": to_json(event.result)} if event.success else {"feedback": event.error}
        self.outputs = {"success": event.success} | detail
        error = event_error(event)
        return error if error is not None and error.__traceback__ is not None else None


def calling_agent() -> AgentSpan | None:
    """Return the agent whose turn the running code belongs to, also within a memory operation."""
    operation = OperationSpan.nearest()
    agent = AgentSpan.nearest()
    return operation.agent if agent is None and operation is not None else agent


def _event_fields(event: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(event, name, None) for name in names}
    return {
        name: to_json(_memory_texts(value)) for name, value in values.items() if value is not None
    }


def _memory_texts(value: Any) -> Any:
    """Replace the matches of a memory search by their texts."""
    if not isinstance(value, list):
        return value
    return [match.record.content if hasattr(match, "record") else match for match in value]
