"""Spans for CrewAI's guardrails, memory, knowledge and planning, which are not turns or calls."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from patches.crewai.spans.crew_spans import AgentSpan
from patches.crewai.spans.event_span import (
    EventSpan,
    ReportedFailureError,
    event_error,
    first_line,
    to_json,
)
from patches.support.call_wrapping import (
    OnResult,
    ignore_result,
    replace_for_block,
    set_for_block,
    wrap_call,
)

GUARDRAIL_CALLERS = ("crewai.task", "crewai.agent.core")
"""The modules that call `process_guardrail`."""
_CHECKED: ContextVar[Any] = ContextVar("output that a guardrail checks", default=None)


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
        self.outlasts_parent = event.type == "memory_save_started"
        super().__init__(source, event, name, self._operation.span_type, inputs)

    def record_start(self, event: Any) -> None:
        self.span.set_inputs(_event_fields(event, self._operation.input_fields))

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


@contextmanager
def note_checked_outputs() -> Generator[None]:
    """During the block, note the output that CrewAI passes to a guardrail: no event has it."""
    with ExitStack() as stack:
        for module in map(import_module, GUARDRAIL_CALLERS):
            process = wrap_call(_note_output, vars(module)["process_guardrail"])
            stack.enter_context(replace_for_block(module, process_guardrail=process))
        yield


@contextmanager
def _note_output(output: Any, *_: Any, **__: Any) -> Generator[OnResult]:
    with set_for_block(_CHECKED, output):
        yield ignore_result


class GuardrailSpan(EventSpan):
    """The check of an output: whether it passed, and the feedback if it did not."""

    def __init__(self, source: Any, event: Any) -> None:
        name = first_line(event.guardrail_name or "guardrail")
        inputs = {"output": to_json(_CHECKED.get())}
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
