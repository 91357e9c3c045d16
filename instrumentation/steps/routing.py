"""Routing attributes of a crew's run: turns per agent, delegations that failed, and tool loops."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instrumentation.steps.step import Step
from instrumentation.trace.canonical_json import mask_volatile_ids
from patches.crewai.spans.tool_span import DELEGATION_ARGUMENTS, normalize_tool_name

DELEGATE_TOOL = "delegate_work_to_coworker"
MIN_LOOP_REPEATS = 3
"""How often the same call must have the same result to be a loop; a retry or two are normal."""


@dataclass(frozen=True)
class ToolLoop:
    """A tool call that an agent repeated `count` times, with the same result each time."""

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
    """Compute attributes for the root span of a run.

    Args:
        steps: The steps of the run, from `collect_steps` or `steps_from_trace`.
        agent_tools: The tool names of each agent.
        task_tools: The tool names that each task needs, where known.
        min_repeats: How often the same call must have the same result to count as a loop.

    Returns:
        Attributes that begin with `flight_recorder.routing.`: `<agent>.call_count`,
        `total_delegations`, `failed_delegations`, `loop_detected` and `task_depth`; with
        delegations also `max_delegation_latency_ms`. `loops` and `delegation_failures` explain
        what was found.
    """
    turns = Counter(step.agent for step in steps if step.kind == "turn" and step.agent)
    delegations = find_delegations(steps)
    reasons = (delegation_failure(step, agent_tools, task_tools or {}) for step in delegations)
    failures = [reason for reason in reasons if reason is not None]
    loops = [str(loop) for loop in find_loops(steps, min_repeats)]
    latencies_ms = [round(step.duration_ns / 1e6, 3) for step in delegations]
    depths = [_delegation_depth(step, steps) for step in steps]
    attributes: dict[str, object] = {
        **{
            f"flight_recorder.routing.{agent}.call_count": turns[agent]
            for agent in (*agent_tools, *turns)
        },
        "flight_recorder.routing.total_delegations": len(delegations),
        "flight_recorder.routing.failed_delegations": len(failures),
        "flight_recorder.routing.loop_detected": bool(loops),
        "flight_recorder.routing.task_depth": max(depths, default=0),
        "flight_recorder.routing.max_delegation_latency_ms": max(latencies_ms, default=None),
        "flight_recorder.routing.loops": loops or None,
        "flight_recorder.routing.delegation_failures": failures or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def find_loops(steps: Sequence[Step], min_repeats: int = MIN_LOOP_REPEATS) -> tuple[ToolLoop, ...]:
    """Find tool calls that had the same result or error `min_repeats` times or more in one turn.

    Only the last results count, so polling until the result changes is not a loop, nor is a retry
    that succeeds in the end. Other calls in between do not interrupt a loop.
    """
    loops: list[ToolLoop] = []
    for turn in (step for step in steps if step.kind == "turn"):
        last_results: dict[tuple[str, str], tuple[str, int]] = {}
        for call in (step for step in steps if step.kind == "tool" and _is_own_call(turn, step)):
            key = (str(call.tool), _to_json(call.arguments))
            result = mask_volatile_ids(f"{call.error} {_to_json(call.result)}")
            previous, count = last_results.get(key, (result, 0))
            last_results[key] = (result, count + 1 if result == previous else 1)
        loops += [
            ToolLoop(turn.agent, tool, count)
            for (tool, _), (_, count) in last_results.items()
            if count >= min_repeats
        ]
    return tuple(loops)


def find_delegations(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The tool calls by which an agent gave work to another agent or asked it a question."""
    return tuple(
        step for step in steps if normalize_tool_name(step.tool or "") in DELEGATION_ARGUMENTS
    )


def delegation_failure(
    step: Step, agent_tools: Mapping[str, Sequence[str]], task_tools: Mapping[str, Sequence[str]]
) -> str | None:
    """Explain why a delegation failed or could not succeed. None if it was fine."""
    arguments = step.arguments if isinstance(step.arguments, Mapping) else {}
    agents = {_normalize_agent(agent): agent for agent in agent_tools}
    coworker = str(arguments.get("coworker", ""))
    agent = agents.get(_normalize_agent(coworker))
    if agent is None:
        return f"there is no agent {coworker!r}; the agents are {', '.join(agent_tools) or 'none'}"
    text = " ".join(str(arguments.get(key, "")) for key in ("task", "question", "context"))
    all_tools = {tool for tools in agent_tools.values() for tool in tools}
    mentioned = {tool for tool in all_tools if _mentions_tool(tool, text)}
    if missing := sorted(mentioned - set(agent_tools[agent])):
        owner = next(agent for agent, tools in agent_tools.items() if missing[0] in tools)
        return f"{agent} was asked to use {missing[0]}, but only {owner} has that tool"
    needed = task_tools.get(step.task or "", ())
    is_delegation = normalize_tool_name(step.tool or "") == DELEGATE_TOOL
    if is_delegation and needed and not set(needed) & set(agent_tools[agent]):
        return f"{agent} has none of the tools that {step.task!r} needs: {', '.join(needed)}"
    return f"{agent} failed: {step.error}" if step.error else None


def _mentions_tool(tool: str, text: str) -> bool:
    """Return whether a text names a tool, as one word or as separate words."""
    name = r"[\s_-]?".join(re.escape(word) for word in re.split(r"[\s_-]+", tool))
    return re.search(rf"(?<!\w){name}(?!\w)", text, re.I) is not None


def _is_own_call(turn: Step, call: Step) -> bool:
    """Return whether the call was made by the turn itself, not by a coworker inside it."""
    return turn.contains(call) and call.path[:-1] == turn.path


def _delegation_depth(step: Step, steps: Sequence[Step]) -> int:
    """The number of nested turns, including this one: 1 if nobody delegated to it."""
    if step.kind != "turn":
        return 0
    return 1 + sum(other.kind == "turn" and other.contains(step) for other in steps)


def _to_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _normalize_agent(agent: str) -> str:
    """An agent's name as CrewAI compares it: without quotes, extra spaces and case."""
    return " ".join(agent.replace('"', "").split()).casefold()
