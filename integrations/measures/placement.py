"""What is placed: a completion or a tool call that stands where it happened, in the one tree."""

from collections import Counter
from collections.abc import Iterable

from instrumentation.trace.span import Span
from integrations.cases.case import Case
from integrations.measures.turns import agent_of

COMPLETION_TYPES = ("LLM", "CHAT_MODEL")
"""What spans of completions are called: by MLflow's frameworks, and by its own openai."""
TEAM = ""
"""Where stands what is no agent's."""


StepsByAgent = Counter[tuple[str, str]]
"""How many completions, and how many tool calls, by agent."""


def expected_places(case: Case, lanes: Iterable[str], tools: Iterable[str]) -> StepsByAgent:
    """Where completions of these lanes, and tools of these agents, are to stand."""

    def at(name: str) -> str:
        return TEAM if name in case.team_lanes or not case.turns else name

    return Counter([("LLM", at(lane)) for lane in lanes] + [("TOOL", at(agent)) for agent in tools])


def recorded_places(case: Case, root: Span) -> StepsByAgent:
    """Where they stand in a tree: in a turn of whom.

    Of a team's own the root is the team: a completion that stands alone is in no team at all.
    """
    seen: StepsByAgent = Counter()
    alone = root.type in COMPLETION_TYPES and bool(case.turns)

    def walk(span: Span, agent: str) -> None:
        agent = agent_of(span, case.turns) or agent
        if span.type == "TOOL":
            seen["TOOL", agent] += 1
        elif span.type in COMPLETION_TYPES and not span.failed:
            seen["LLM", agent] += 1
        for child in span.children:
            walk(child, agent)

    if not alone:
        walk(root, TEAM)
    return seen
