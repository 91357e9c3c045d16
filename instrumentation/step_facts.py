"""A fact: what one event of a crew tells about a step; two of them, first and last, make a step."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crewai.events.event_context import VALID_EVENT_PAIRS

from instrumentation.span import Tokens
from instrumentation.step import Kind, Step, in_order
from patches.crewai_span import shown
from patches.crewai_work import task_name
from patches.interruption import without_keys, words_for

KINDS: Mapping[str, Kind] = {
    "crew_kickoff_started": "crew",
    "task_started": "task",
    "agent_execution_started": "turn",
    "llm_call_started": "completion",
    "tool_usage_started": "tool",
    "llm_guardrail_started": "guardrail",
}
"""The events that begin a step."""


@dataclass(frozen=True)
class Fact:
    """An event, without the agents, tasks and models that CrewAI's own holds.

    `begun` is the id of the event that began what this one ends, as CrewAI has it.
    """

    id: str
    type: str
    parent: str | None
    begun: str | None
    at_ns: int
    agent: str | None
    name: str
    call: str | None
    arguments: Any
    result: Any
    error: str | None
    tokens: Tokens
    model: str | None


def facts_of(source: Any, event: Any) -> Fact:
    """What an event tells. `source` is the crew, task, agent, model … that emitted it."""
    agent = getattr(event, "agent", None)
    role = event.agent_role or getattr(agent, "role", None)
    error = getattr(event, "error", None)
    return Fact(
        id=event.event_id,
        type=event.type,
        parent=event.parent_event_id,
        begun=event.started_event_id,
        at_ns=int(event.timestamp.timestamp() * 1e9),
        agent=str(role).strip() if role else None,
        name=_name(source, event),
        call=getattr(event, "call_id", None),
        arguments=_parsed(getattr(event, "tool_args", None)),
        result=_result(event),
        error=_words(error) if error is not None else None,
        tokens=_tokens(getattr(event, "usage", None) or {}),
        model=getattr(event, "model", None),
    )


def steps_from(facts: Iterable[Fact]) -> tuple[Step, ...]:
    """The steps that have ended, in order. `facts` may stand in any order."""
    heard = sorted(facts, key=lambda fact: fact.at_ns)
    known = {fact.id: fact for fact in heard}
    under_way = [fact for fact in heard if fact.type in KINDS]
    steps: list[Step] = []
    for last in heard:
        begins = VALID_EVENT_PAIRS.get(last.type)
        first = _begun(last, begins, under_way) if begins in KINDS else None
        if first is not None:
            under_way.remove(first)
            steps.append(_step(first, last, known))
    return in_order(steps)


def _begun(last: Fact, begins: str | None, under_way: list[Fact]) -> Fact | None:
    """What an event ends: what CrewAI says, unless a failure that it told twice led it astray."""
    alike = [fact for fact in under_way if fact.type == begins and fact.call == last.call]
    for fact in alike:
        if last.call is not None or fact.id == last.begun:
            return fact
    same = [fact for fact in alike if (fact.agent, fact.name) == (last.agent, last.name)]
    return same[-1] if same and last.begun not in {fact.id for fact in under_way} else None


def _step(first: Fact, last: Fact, known: Mapping[str, Fact]) -> Step:
    kind = KINDS[first.type]
    around = _around(first, known)
    task = next((fact.name for fact in reversed(around) if fact.type == "task_started"), None)
    turns = [fact.agent for fact in around if fact.type == "agent_execution_started"]
    path = [fact.name for fact in around]
    agent = turns[-1] if turns else None
    if kind in ("completion", "tool") and agent != first.agent is not None:
        agent = first.agent
        path.append(str(agent))  # its turn, which a failure told twice has closed too early
    return Step(
        agent=first.agent if kind == "turn" else None if kind in ("crew", "task") else agent,
        kind=kind,
        task=first.name if kind == "task" else task,
        tool=first.name if kind == "tool" else None,
        arguments=first.arguments,
        result=None if last.error else last.result,
        error=last.error,
        started_ns=first.at_ns,
        ended_ns=last.at_ns,
        tokens=last.tokens,
        model=first.model,
        path=(*path, first.name),
    )


def _around(fact: Fact, known: Mapping[str, Fact]) -> list[Fact]:
    """The steps that this one is a part of, outermost first."""
    around: list[Fact] = []
    while (parent := known.get(fact.parent or "")) is not None:
        if parent.type in KINDS:
            around.append(parent)
        fact = parent
    return around[::-1]


def _name(source: Any, event: Any) -> str:
    """What MLflow's span of this step is called."""
    kind, _, _ = event.type.partition("_")
    match kind:
        case "crew":
            return source.name or "crew"
        case "task":
            return task_name(source)
        case "agent":
            return str(source.role).strip()
        case "tool":
            return str(event.tool_name)
        case "llm":
            named = getattr(event, "guardrail_name", None)
            return str(named) if named else f"{type(source).__name__}.call"
    return event.type


def _result(event: Any) -> Any:
    """The text or the JSON values that came; None where a model asks for tools instead."""
    if event.type == "llm_call_completed":
        return event.response if isinstance(event.response, str) else None
    return shown(getattr(event, "output", None))


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return shown(arguments)
    try:
        return json.loads(arguments)
    except ValueError:
        return {"arguments": arguments}


def _words(error: Any) -> str:
    return words_for(error) if isinstance(error, BaseException) else without_keys(str(error))


def _tokens(usage: Mapping[str, Any]) -> Tokens:
    given = usage.get("prompt_tokens", usage.get("input_tokens"))
    said = usage.get("completion_tokens", usage.get("output_tokens"))
    return Tokens(int(given or 0), int(said or 0))
