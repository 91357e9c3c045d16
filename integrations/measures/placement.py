"""Counts completions and tool calls that a trace has in the right place: their own agent's turn."""

from collections import Counter
from collections.abc import Iterable

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from integrations.cases.case import Case
from integrations.measures.turns import turn_agent
from scenarios.player.fidelity import FidelityCount

COMPLETION_TYPES = ("LLM", "CHAT_MODEL")
"""Span types of completions: of MLflow's framework integrations, and of its openai integration."""
TEAM = ""
"""The place of steps that belong to no agent."""

StepsByAgent = Counter[tuple[str, str]]
"""How many steps of a type, "LLM" or "TOOL", an agent has."""


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
        return TEAM if name in case.team_lanes or not case.turns else name

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
        walk(root, TEAM)
    return found
