"""Routing: who was set to work how often, what was delegated to whom, and what went in circles."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instrumentation.steps.step import Step
from instrumentation.trace.canonical_json import mask_volatile_ids

DELEGATE_TOOL = "delegate_work_to_coworker"
ASK_TOOL = "ask_question_to_coworker"
"""The tools by which an agent of CrewAI calls on another, as a model spells them."""
MIN_LOOP_REPEATS = 3
"""How often the same call with the same result makes a loop: a retry or two are none."""


@dataclass(frozen=True)
class ToolLoop:
    """A call that an agent made again and again, and that came to the same each time."""

    agent: str | None
    tool: str
    count: int

    def __str__(self) -> str:
        return f"{self.agent} called {self.tool} {self.count} times, with the same result each time"


def routing_attributes(
    steps: Sequence[Step],
    agent_tools: Mapping[str, Sequence[str]],
    task_tools: Mapping[str, Sequence[str]] | None = None,
    min_repeats: int = MIN_LOOP_REPEATS,
) -> dict[str, object]:
    """Attributes for the root of a run: turns, loops and delegations, in counts and in words.

    `roster` names each agent with the names of its tools; `declared`, where it is known, each task
    with the tools that it takes.
    """
    turns = Counter(step.agent for step in steps if step.kind == "turn" and step.agent)
    asked = find_delegations(steps)
    failed = [
        why
        for one in asked
        if (why := delegation_failure(one, agent_tools, task_tools or {})) is not None
    ]
    circles = [str(loop) for loop in find_loops(steps, min_repeats)]
    counted: dict[str, object] = {
        f"flight_recorder.routing.{agent}.call_count": turns[agent]
        for agent in (*agent_tools, *turns)
    }
    counted |= {
        "flight_recorder.routing.total_delegations": len(asked),
        "flight_recorder.routing.failed_delegations": len(failed),
        "flight_recorder.routing.loop_detected": bool(circles),
        "flight_recorder.routing.task_depth": max(
            (_delegation_depth(step, steps) for step in steps), default=0
        ),
    }
    if asked:
        longest_ns = max(step.duration_ns for step in asked)
        counted["flight_recorder.routing.max_delegation_latency_ms"] = round(longest_ns / 1e6, 3)
    told = {
        "flight_recorder.routing.loops": circles,
        "flight_recorder.routing.delegation_failures": failed,
    }
    return counted | {key: words for key, words in told.items() if words}


def find_loops(steps: Sequence[Step], min_repeats: int = MIN_LOOP_REPEATS) -> tuple[ToolLoop, ...]:
    """The calls that came to the same, result or error, `repeats` times or more in one turn.

    Only the last results count: a poll that ends in another one, or a retry that succeeds in the
    end, was worth it. Other calls in between break no loop.
    """
    found: list[ToolLoop] = []
    for turn in (step for step in steps if step.kind == "turn"):
        ends: dict[tuple[str, str], tuple[str, int]] = {}
        for call in (step for step in steps if step.kind == "tool" and _is_own_call(turn, step)):
            what = (str(call.tool), _to_json(call.arguments))
            came = mask_volatile_ids(f"{call.error} {_to_json(call.result)}")
            before, times = ends.get(what, (came, 0))
            ends[what] = (came, times + 1 if came == before else 1)
        found += [
            ToolLoop(turn.agent, tool, times)
            for (tool, _), (_, times) in ends.items()
            if times >= min_repeats
        ]
    return tuple(found)


def find_delegations(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The calls by which one agent gave work or put a question to another, in order."""
    return tuple(
        step for step in steps if _normalize_tool(step.tool or "") in (DELEGATE_TOOL, ASK_TOOL)
    )


def delegation_failure(
    step: Step, agent_tools: Mapping[str, Sequence[str]], task_tools: Mapping[str, Sequence[str]]
) -> str | None:
    """Why a delegation could not succeed, in words; None if it could, and did not fail."""
    told = step.arguments if isinstance(step.arguments, Mapping) else {}
    known = {_normalize_agent(agent): agent for agent in agent_tools}
    wanted = str(told.get("coworker", ""))
    agent = known.get(_normalize_agent(wanted))
    if agent is None:
        return f"there is no agent {wanted!r}; there are {', '.join(agent_tools) or 'none'}"
    text = " ".join(str(told.get(key, "")) for key in ("task", "question", "context"))
    tools = {tool for owned in agent_tools.values() for tool in owned}
    named = {tool for tool in tools if _mentions_tool(tool, text)}
    if missing := sorted(named - set(agent_tools[agent])):
        return f"{agent} was asked to use {missing[0]}, which {_tool_owner(missing[0], agent_tools)} has"
    due = task_tools.get(step.task or "", ())
    if (
        _normalize_tool(step.tool or "") == DELEGATE_TOOL
        and due
        and not set(due) & set(agent_tools[agent])
    ):
        return f"{agent} has none of the tools that {step.task!r} takes: {', '.join(due)}"
    return f"{agent} failed: {step.error}" if step.error else None


def _tool_owner(tool: str, agent_tools: Mapping[str, Sequence[str]]) -> str:
    return next(agent for agent, owned in agent_tools.items() if tool in owned)


def _mentions_tool(tool: str, text: str) -> bool:
    """Whether the text names a tool: as one word, or its words apart."""
    spelt = r"[\s_-]?".join(re.escape(word) for word in re.split(r"[\s_-]+", tool))
    return re.search(rf"(?<!\w){spelt}(?!\w)", text, re.I) is not None


def _is_own_call(turn: Step, call: Step) -> bool:
    """Whether the call is the turn's own, and no coworker's."""
    return turn.contains(call) and call.path[:-1] == turn.path


def _delegation_depth(step: Step, steps: Sequence[Step]) -> int:
    """How many turns are around a turn, itself included: 1 where nobody has delegated to it."""
    if step.kind != "turn":
        return 0
    return 1 + sum(other.kind == "turn" and other.contains(step) for other in steps)


def _to_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _normalize_tool(tool: str) -> str:
    return re.sub(r"\W+", "_", tool.strip().lower())


def _normalize_agent(agent: str) -> str:
    return " ".join(agent.replace('"', "").split()).casefold()
