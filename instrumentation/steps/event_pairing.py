"""Pair the start and end events of CrewAI, and build a step from each pair."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from crewai.events.event_context import VALID_EVENT_PAIRS

from instrumentation.steps.crew_event import CrewEvent
from instrumentation.steps.step import Step, StepKind, sort_steps

STEP_KINDS: Mapping[str, StepKind] = {
    "crew_kickoff_started": "crew",
    "task_started": "task",
    "agent_execution_started": "turn",
    "llm_call_started": "completion",
    "tool_usage_started": "tool",
    "llm_guardrail_started": "guardrail",
}
"""The events that start a step."""
INTERRUPTED_ERROR = "Interrupted: it had not ended when its block did"


def pair_events(events: Iterable[CrewEvent], ended_ns: int | None = None) -> tuple[Step, ...]:
    """Build the steps that have ended, in order, from events in any order.

    With `ended_ns`, steps that have not ended are included as failed at this time. CrewAI reports
    no end for the steps of a cancelled crew.
    """
    by_time = sorted(events, key=lambda event: event.time_ns)
    by_id = {event.id: event for event in by_time}
    running = [event for event in by_time if event.type in STEP_KINDS]
    ends: dict[str, CrewEvent] = {}
    for end in by_time:
        start_type = VALID_EVENT_PAIRS.get(end.type)
        start = _find_start(end, start_type, running) if start_type in STEP_KINDS else None
        if start is not None:
            running.remove(start)
            ends[start.id] = end
    # CrewAI reports no end of a turn that a deliberate stop interrupts; but its task failed.
    for start in running:
        enclosing = _enclosing_events(start, by_id)[::-1]
        outer = next((event for event in enclosing if event.id in ends), None)
        if outer is not None and ends[outer.id].error:
            ends[start.id] = ends[outer.id]
        elif ended_ns is not None:
            ends[start.id] = replace(start, time_ns=ended_ns, error=INTERRUPTED_ERROR)
    return sort_steps([_build_step(by_id[id], end, by_id) for id, end in ends.items()])


def _find_start(
    end: CrewEvent, start_type: str | None, running: list[CrewEvent]
) -> CrewEvent | None:
    """Find the event that started what another one ends.

    CrewAI names it, but may name a wrong one after a failure that it reported twice.
    """
    candidates = [
        event for event in running if event.type == start_type and event.call_id == end.call_id
    ]
    for event in candidates:
        if end.call_id is not None or event.id == end.started_event_id:
            return event
    same = [event for event in candidates if (event.agent, event.name) == (end.agent, end.name)]
    is_named = end.started_event_id in {event.id for event in candidates}
    return same[-1] if same and not is_named else None


def _build_step(start: CrewEvent, end: CrewEvent, by_id: Mapping[str, CrewEvent]) -> Step:
    kind = STEP_KINDS[start.type]
    enclosing = _enclosing_events(start, by_id)
    tasks = (event.name for event in reversed(enclosing) if event.type == "task_started")
    task = next(tasks, None)
    turns = [event.agent for event in enclosing if event.type == "agent_execution_started"]
    agent = turns[-1] if turns else None
    if kind in ("completion", "tool"):
        agent = start.agent or agent
    return Step(
        agent=start.agent if kind == "turn" else None if kind in ("crew", "task") else agent,
        kind=kind,
        task=start.name if kind == "task" else task,
        tool=start.name if kind == "tool" else None,
        arguments=start.arguments,
        result=None if end.error else end.result,
        error=end.error,
        started_ns=start.time_ns,
        ended_ns=end.time_ns,
        tokens=end.tokens,
        model=start.model,
        path=(*(event.name for event in enclosing), start.name),
        finish_reason=end.finish_reason,
    )


def _enclosing_events(event: CrewEvent, by_id: Mapping[str, CrewEvent]) -> list[CrewEvent]:
    """The start events of the enclosing steps, outermost first."""
    enclosing: list[CrewEvent] = []
    while (parent := by_id.get(event.parent_id or "")) is not None:
        if parent.type in STEP_KINDS:
            enclosing.append(parent)
        event = parent
    return enclosing[::-1]
