"""Find the turns of agents, and count the steps that a trace has in the turn of their agent."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from instrumentation.trace.span import COMPLETION_TYPES, Span
from instrumentation.trace.trace import Trace
from integrations.cases.case import Case
from scenarios.player.fidelity import FidelityCount

NO_AGENT = ""
"""The place of steps that belong to no agent."""

StepsByAgent = Counter[tuple[str, str]]
"""How many steps of a type, "LLM" or "TOOL", an agent has."""


def turn_agent(span: Span, agents: Iterable[str]) -> str:
    """Return the one of `agents` whose turn an AGENT span is; empty if it names none, or several.

    Instrumentors decorate the name, as in `writer.run` or `invoke_agent writer`.
    """
    if span.type != "AGENT":
        return ""
    text = span.agent or span.name
    exact = {agent for agent in agents if text == agent}
    named = exact or {agent for agent in agents if _mentions_agent(text, agent)}
    return named.pop() if len(named) == 1 else ""


def agent_turns(trace: Trace, agents: Iterable[str]) -> Iterator[str]:
    """Yield the agent of each turn. Nested spans of one agent are one turn."""
    names = frozenset(agents)

    def walk(span: Span, current: str) -> Iterator[str]:
        agent = turn_agent(span, names)
        if agent and agent != current:
            yield agent
        for child in span.children:
            yield from walk(child, agent or current)

    for root in trace.roots:
        yield from walk(root, "")


def _mentions_agent(text: str, agent: str) -> bool:
    # An underscore ends a name, because ids are often a name, an underscore and a number.
    return bool(re.search(rf"(?<![^\W_]){re.escape(agent)}(?![^\W_])", text))


def count_placed(
    case: Case, completion_lanes: Iterable[str], tool_agents: Iterable[str], trace: Trace
) -> FidelityCount:
    """Count steps that happened, and those in the right place.

    A run must have one span tree, so only the tree with most of the steps counts. A case that
    starts several runs may have as many trees.
    """
    expected = expected_places(case, completion_lanes, tool_agents)
    matched = [expected & recorded_places(case, root) for root in trace.roots]
    largest = sorted(matched, key=Counter.total, reverse=True)[: case.expected_trees]
    return FidelityCount(expected.total(), (expected & sum(largest, Counter())).total())


def expected_places(
    case: Case, completion_lanes: Iterable[str], tool_agents: Iterable[str]
) -> StepsByAgent:
    """Return where the completions of these lanes, and the tool calls of these agents, belong."""

    def place(name: str) -> str:
        return NO_AGENT if name in case.team_lanes or not case.turns else name

    completions = [("LLM", place(lane)) for lane in completion_lanes]
    return Counter(completions + [("TOOL", place(agent)) for agent in tool_agents])


def recorded_places(case: Case, root: Span) -> StepsByAgent:
    """Return where a tree has completions and tool calls.

    The root stands for the team. A completion that is a root itself is in no team, and does not
    count, unless the case has no agents.
    """
    found: StepsByAgent = Counter()

    def walk(span: Span, agent: str) -> None:
        agent = turn_agent(span, case.turns) or agent
        if span.type == "TOOL":
            found["TOOL", agent] += 1
        elif span.type in COMPLETION_TYPES and not span.failed:
            found["LLM", agent] += 1
        for child in span.children:
            walk(child, agent)

    is_lone_completion = root.type in COMPLETION_TYPES and bool(case.turns)
    if not is_lone_completion:
        walk(root, NO_AGENT)
    return found
