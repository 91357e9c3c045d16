"""Measure the work of each agent in a trace: turns, time, waits, tokens and cost."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from instrumentation.trace import Span, Tokens, Trace
from instrumentation.trace.completions.completion import NODE_ATTRIBUTE, list_completions

NO_AGENT = "outside of agents"
"""The name for work in a trace with agents that none of them did."""


@dataclass(frozen=True)
class AgentWork:
    """The work of one agent, with times in nanoseconds; 0 in a trace without times.

    Attributes:
        spans: Its turns, completions and tool calls, in the order of the tree.
        tools: How often it called each tool.
        cost_usd: None if the price of a completion is unknown, or if it requested none.
        waits: The start and end of each wait: before a turn that could have started, and from the
            first to the last attempt of a request that was repeated.
    """

    agent: str
    spans: tuple[Span, ...]
    turn_count: int
    completion_count: int
    tools: Mapping[str, int]
    tokens: Tokens
    cost_usd: float | None
    busy_ns: int
    waits: tuple[tuple[int, int], ...]

    @property
    def wait_ns(self) -> int:
        return _covered_ns(self.waits)


def assign_agents(trace: Trace) -> dict[int, str]:
    """The agent at work in each span, by the `id()` of the span.

    Work outside of agents has the name `NO_AGENT`, or that of its root in a trace without agents.
    """
    agents: dict[int, str] = {}
    has_agents = any(_named_agent(span) for span in trace)
    for root in trace.roots:
        agents[id(root)] = _named_agent(root) or (NO_AGENT if has_agents else root.name)
        for span in root:
            for child in span.children:
                agents[id(child)] = _named_agent(child) or agents[id(span)]
    return agents


def measure_agents(trace: Trace, agent_of: Mapping[int, str]) -> tuple[AgentWork, ...]:
    """Measure the agents in the order in which they first worked."""
    work: dict[str, list[Span]] = {}
    completions = [one.span for one in list_completions(trace)]
    is_completion = {id(span) for span in completions}
    for span in trace:
        if span.type in ("AGENT", "TOOL") or id(span) in is_completion:
            work.setdefault(agent_of[id(span)], []).append(span)
    waits: dict[str, list[tuple[int, int]]] = {}
    for span in trace:
        for child, started_ns in _iter_waiting(span):
            waits.setdefault(agent_of[id(child)], []).append((started_ns, child.start_ns))
    return tuple(
        _measure(agent, spans, waits.get(agent, ()), is_completion) for agent, spans in work.items()
    )


def _named_agent(span: Span) -> str | None:
    node = span.attributes.get(NODE_ATTRIBUTE)
    return str(node) if node else span.agent


def _measure(
    agent: str,
    spans: Sequence[Span],
    waits: Sequence[tuple[int, int]],
    is_completion: set[int],
) -> AgentWork:
    requests = [span for span in spans if id(span) in is_completion]
    costs = [span.cost_usd for span in requests if span.cost_usd is not None]
    return AgentWork(
        agent=agent,
        spans=tuple(spans),
        turn_count=sum(span.type == "AGENT" for span in spans),
        completion_count=len(requests),
        tools=Counter(span.name for span in spans if span.type == "TOOL"),
        tokens=sum((span.tokens for span in requests), Tokens()),
        cost_usd=sum(costs) if costs and len(costs) == len(requests) else None,
        busy_ns=_covered_ns([(span.start_ns, span.end_ns) for span in spans]),
        waits=tuple(waits),
    )


def _iter_waiting(parent: Span) -> Iterator[tuple[Span, int]]:
    """The children that waited before they started, each with the start of its wait."""
    free_ns = parent.start_ns
    attempts = [child for child in parent.children if child.type == "ATTEMPT"]
    if len(attempts) > 1 and attempts[-1].start_ns > attempts[0].start_ns:
        yield attempts[-1], attempts[0].start_ns
    ends = sorted(child.end_ns for child in parent.children)
    reached = 0
    for child in sorted(parent.children, key=lambda one: one.start_ns):
        while reached < len(ends) and ends[reached] <= child.start_ns:
            free_ns = max(free_ns, ends[reached])
            reached += 1
        if child.type == "AGENT" and child.start_ns > free_ns:
            yield child, free_ns


def _covered_ns(intervals: Sequence[tuple[int, int]]) -> int:
    """The time that at least one of the intervals covers."""
    covered_ns, until_ns = 0, 0
    for start_ns, end_ns in sorted(intervals):
        covered_ns += max(0, end_ns - max(until_ns, start_ns))
        until_ns = max(until_ns, end_ns)
    return covered_ns
