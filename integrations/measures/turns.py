"""Finds the turns of agents in a trace: spans of type AGENT, and which agent each belongs to."""

import re
from collections.abc import Iterable, Iterator

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace


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
