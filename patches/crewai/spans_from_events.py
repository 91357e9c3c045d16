"""Open and close spans from the events on CrewAI's event bus.

CrewAI emits an event for everything that it does, in the thread and context of the work. Listeners
are called later, in another thread and in a copy of the context, so they cannot make a span the
current one, under which HTTP requests, the user's own spans and further work belong. Therefore this
patch wraps the bus's `emit`. MLflow's own wrappers, which would record the same work again, are
suspended meanwhile.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from patches.crewai.interrupted_runs import note_start
from patches.crewai.spans.auxiliary_spans import (
    GUARDRAIL_CALLERS,
    OPERATIONS,
    GuardrailSpan,
    OperationSpan,
    end_failed_search,
    note_checked_outputs,
)
from patches.crewai.spans.completion_span import CompletionSpan
from patches.crewai.spans.crew_spans import (
    AgentSpan,
    CrewSeriesSpan,
    CrewSpan,
    FlowSpan,
    MethodSpan,
    TaskSpan,
    is_internal_flow,
)
from patches.crewai.spans.event_span import EventSpan
from patches.crewai.spans.handoffs import (
    link_delegated_turn,
    record_crew_output,
    record_standalone_output,
    report_delegation_result,
    report_standalone_turn,
    report_turn,
)
from patches.crewai.spans.tool_span import ToolSpan
from patches.crewai.user_traced_tools import TOOL_METHODS, share_spans_with_user_traced_tools
from patches.patch import Patch
from patches.support.autolog_wrappers import (
    SAFE_PATCH_PARAMETERS,
    is_autolog_on,
    remove_autolog_wrappers_for_block,
)
from patches.support.call_wrapping import replace_for_block
from patches.support.open_span import OpenSpan
from patches.support.turn import OnTurn

SPAN_CLASSES: Mapping[str, Callable[[Any, Any], EventSpan]] = {
    "crew_kickoff_started": CrewSpan,
    "crew_train_started": CrewSeriesSpan,
    "crew_test_started": CrewSeriesSpan,
    "task_started": TaskSpan,
    "agent_execution_started": AgentSpan,
    "lite_agent_execution_started": AgentSpan,
    "llm_call_started": CompletionSpan,
    "tool_usage_started": ToolSpan,
    "tool_selection_error": ToolSpan,
    "tool_validate_input_error": ToolSpan,
    "llm_guardrail_started": GuardrailSpan,
    "flow_started": FlowSpan,
    "method_execution_started": MethodSpan,
    **dict.fromkeys(OPERATIONS, OperationSpan),
}
"""The span that each type of event opens."""
EVENTS_WITHOUT_START = frozenset(("tool_selection_error", "tool_validate_input_error"))
"""Events that both open and end a span.

If an agent without native tool calls calls a tool that does not exist, or with malformed arguments,
CrewAI reports only this.
"""


def spans_from_events_patch(on_turn: OnTurn) -> Patch:
    """Record spans; `on_turn` is called when a turn starts, before its span is opened."""
    return Patch(
        name="crewai.spans_from_events",
        symptom=(
            "a crew leaves no span (MLflow 3.17), or neither completions nor handoffs, and with"
            " akickoff a trace per tool call (3.18)"
        ),
        upstream="mlflow.crewai.autolog (mlflow/crewai/__init__.py), which wraps methods by name",
        versions={"mlflow": ">=3.17,<3.19", "crewai": ">=1.15.29,<1.16"},
        delete_when="autolog() records completions, tools and turns of kickoff and akickoff",
        canary="tests/patches/crewai/test_crew_runs.py::test_upstream_autolog_records_a_crew",
        apply=lambda: _apply(on_turn),
        wraps={
            "crewai.events.event_bus:CrewAIEventsBus.emit": "self, source, event",
            "crewai.events.event_context:VALID_EVENT_PAIRS": "",
            "mlflow.crewai:safe_patch": SAFE_PATCH_PARAMETERS,
            **{f"{module}:process_guardrail": "output" for module in GUARDRAIL_CALLERS},
            **TOOL_METHODS,
        },
    )


@contextmanager
def _apply(on_turn: OnTurn) -> Generator[None]:
    from crewai.events.event_bus import CrewAIEventsBus

    original = CrewAIEventsBus.emit

    @wraps(original)
    def emit(self: Any, source: Any, event: Any, *args: Any, **kwargs: Any) -> Any:
        _open_span(source, event, on_turn)
        try:
            return original(self, source, event, *args, **kwargs)
        finally:
            _end_span(source, event, on_turn)

    with (
        replace_for_block(CrewAIEventsBus, emit=emit),
        share_spans_with_user_traced_tools(),
        note_checked_outputs(),
        remove_autolog_wrappers_for_block("mlflow.crewai", lambda *_: True),
    ):
        yield


def _open_span(source: Any, event: Any, on_turn: OnTurn) -> None:
    """Open and activate the span of a start event, if autologging is on."""
    span_class = SPAN_CLASSES.get(event.type)
    if span_class is None or not is_autolog_on("crewai"):
        return
    if span_class in (FlowSpan, MethodSpan) and is_internal_flow(source):
        return
    if event.type in EVENTS_WITHOUT_START and not _is_first_report(source):
        return
    innermost = OpenSpan.innermost()
    if isinstance(innermost, EventSpan) and innermost.accept_start(source, event):
        return
    if event.type == "agent_execution_started":
        end_failed_search(source)
        report_turn(source.role.strip(), event.task_prompt, on_turn)
    elif event.type == "lite_agent_execution_started":
        report_standalone_turn(source.role.strip(), event.messages, on_turn)
    span = span_class(source, event)
    note_start(source)
    if isinstance(span, AgentSpan):
        link_delegated_turn(span)
    span.activate()


def _is_first_report(source: Any) -> bool:
    """Return whether CrewAI reports for the first time that it rejects this call."""
    agent = AgentSpan.nearest()
    if agent is None or agent.last_rejected_call is source:
        return False
    agent.last_rejected_call = source
    return True


def _end_span(source: Any, event: Any, on_turn: OnTurn) -> None:
    """End the span of an end event, and the spans that are still open inside it."""
    from crewai.events.event_context import VALID_EVENT_PAIRS

    if event.type == "llm_stream_chunk":
        if (completion := CompletionSpan.nearest()) is not None:
            completion.record_item(event)
        return
    is_both = event.type in EVENTS_WITHOUT_START
    start_type = event.type if is_both else VALID_EVENT_PAIRS.get(event.type)
    span = _find_span_ended_by(start_type, source, event) if start_type is not None else None
    if span is None:
        return
    error = span.record_end(event)
    if isinstance(span, CrewSpan):
        record_crew_output(span, getattr(event, "output", None))
    elif isinstance(span, AgentSpan):
        record_standalone_output(span)
    OpenSpan.end_open_spans(span, error)
    if isinstance(span, CrewSpan) and span.ends_with_kickoff and error is None:
        return
    span.end(error)
    span.deactivate()
    if isinstance(span, ToolSpan):
        report_delegation_result(span, on_turn)


def _find_span_ended_by(start_type: str, source: Any, event: Any) -> EventSpan | None:
    """Return the innermost span that an event ends.

    None if it has ended already: CrewAI reports some failures twice.
    """
    span = OpenSpan.innermost()
    while span is not None:
        if isinstance(span, EventSpan) and span.is_ended_by(start_type, source, event):
            return span
        span = span.parent
    return None
