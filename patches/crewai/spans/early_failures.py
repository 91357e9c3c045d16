"""Record the call of an agent or a flow that fails before CrewAI emits its start event.

The input may not fit, or a tool may be unusable. Without this, such a call leaves no trace.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from patches.crewai.spans.crew_spans import AgentSpan, FlowSpan, is_internal_flow
from patches.crewai.spans.event_span import EventSpan, ExpectedStart, to_json
from patches.support.autolog_wrappers import is_autolog_on
from patches.support.call_wrapping import set_for_block
from patches.support.error_boundaries import OnError


@dataclass(eq=False)
class EntryCall:
    """A call of `kickoff`, and the call around it; `has_started` after its start event."""

    owner: Any
    outer: "EntryCall | None"
    has_started: bool = False


_INNERMOST: ContextVar[EntryCall | None] = ContextVar("innermost entry call", default=None)


def note_start(owner: object) -> None:
    """Note that the start event of an agent or a flow was emitted."""
    call = _INNERMOST.get()
    while call is not None:
        call.has_started = call.has_started or call.owner is owner
        call = call.outer


@contextmanager
def record_early_failure(
    open_span: Callable[[Any, Any], EventSpan], owner: Any, inputs: Any
) -> Generator[None]:
    """Open and end a failed span if the block fails before the start event of its owner."""
    call = EntryCall(owner, _INNERMOST.get())

    def record(error: BaseException) -> None:
        if not call.has_started and _is_recorded(owner):
            note_start(owner)  # the call of `super().kickoff()` is recorded once
            open_span(owner, inputs).end(error)

    with set_for_block(_INNERMOST, call), OnError(record):
        yield


def open_agent_span(agent: Any, messages: Any) -> AgentSpan:
    """Open the span of an agent that works on its own."""
    start_type = "lite_agent_execution_started"
    return AgentSpan(agent, ExpectedStart(type=start_type, tools=(), messages=to_json(messages)))


def open_flow_span(flow: Any, inputs: Any) -> FlowSpan:
    """Open the span of a flow."""
    name = flow.name or type(flow).__name__
    return FlowSpan(flow, ExpectedStart(type="flow_started", flow_name=name, inputs=inputs))


def _is_recorded(owner: object) -> bool:
    from crewai.flow.flow import Flow

    is_internal = isinstance(owner, Flow) and is_internal_flow(owner)
    return is_autolog_on("crewai") and not is_internal
