"""A pairing: the first and the last fact of each piece of work, which together are a step."""

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
"""The events that begin a step."""


INTERRUPTED_ERROR = "Interrupted: it had not ended when its block did"


def pair_events(events: Iterable[CrewEvent], ended_ns: int | None = None) -> tuple[Step, ...]:
    """The steps that have ended, in order. `facts` may stand in any order.

    With `until_ns` those still under way end then, as failed: a cancelled crew tells no end.
    """
    heard = sorted(events, key=lambda fact: fact.time_ns)
    known = {fact.id: fact for fact in heard}
    under_way = [fact for fact in heard if fact.type in STEP_KINDS]
    ends: dict[str, CrewEvent] = {}
    for last in heard:
        begins = VALID_EVENT_PAIRS.get(last.type)
        first = _find_start(last, begins, under_way) if begins in STEP_KINDS else None
        if first is not None:
            under_way.remove(first)
            ends[first.id] = last
    # CrewAI says nothing of the end of a turn that a deliberate stop breaks off: its task failed.
    for first in under_way:
        outer = next((one for one in _enclosing_events(first, known)[::-1] if one.id in ends), None)
        if outer is not None and ends[outer.id].error:
            ends[first.id] = ends[outer.id]
        elif ended_ns is not None:
            ends[first.id] = replace(first, time_ns=ended_ns, error=INTERRUPTED_ERROR)
    return sort_steps([_build_step(known[first], last, known) for first, last in ends.items()])


def _find_start(
    last: CrewEvent, begins: str | None, under_way: list[CrewEvent]
) -> CrewEvent | None:
    """What an event ends: what CrewAI says, unless a failure that it told twice led it astray."""
    alike = [fact for fact in under_way if fact.type == begins and fact.call_id == last.call_id]
    for fact in alike:
        if last.call_id is not None or fact.id == last.started_event_id:
            return fact
    same = [fact for fact in alike if (fact.agent, fact.name) == (last.agent, last.name)]
    return same[-1] if same and last.started_event_id not in {fact.id for fact in alike} else None


def _build_step(first: CrewEvent, last: CrewEvent, known: Mapping[str, CrewEvent]) -> Step:
    kind = STEP_KINDS[first.type]
    around = _enclosing_events(first, known)
    task = next((fact.name for fact in reversed(around) if fact.type == "task_started"), None)
    turns = [fact.agent for fact in around if fact.type == "agent_execution_started"]
    path = [fact.name for fact in around]
    agent = turns[-1] if turns else None
    if kind in ("completion", "tool"):
        agent = first.agent or agent
    return Step(
        agent=first.agent if kind == "turn" else None if kind in ("crew", "task") else agent,
        kind=kind,
        task=first.name if kind == "task" else task,
        tool=first.name if kind == "tool" else None,
        arguments=first.arguments,
        result=None if last.error else last.result,
        error=last.error,
        started_ns=first.time_ns,
        ended_ns=last.time_ns,
        tokens=last.tokens,
        model=first.model,
        path=(*path, first.name),
        finish_reason=last.finish_reason,
    )


def _enclosing_events(fact: CrewEvent, known: Mapping[str, CrewEvent]) -> list[CrewEvent]:
    """The steps that this one is a part of, outermost first."""
    around: list[CrewEvent] = []
    while (parent := known.get(fact.parent_id or "")) is not None:
        if parent.type in STEP_KINDS:
            around.append(parent)
        fact = parent
    return around[::-1]
