"""A turn as an instrumentor tells it: a span of type AGENT, and whose it is."""

import re
from collections.abc import Iterable, Iterator

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace


def agent_of(span: Span, agents: Iterable[str]) -> str:
    """The one of `agents` at work in an AGENT span; empty where it names none, or several.

    Instrumentors put words of their own around a name: `writer.run`, `invoke_agent writer`.
    """
    if span.type != "AGENT":
        return ""
    told = span.agent or span.name
    named = {one for one in agents if told == one} or {
        one for one in agents if _mentions_agent(told, one)
    }
    return named.pop() if len(named) == 1 else ""


def agent_turns(trace: Trace, agents: Iterable[str]) -> Iterator[str]:
    """Whose each turn was. Spans of one agent, each within the other, are one turn."""
    names = frozenset(agents)

    def walk(span: Span, at_work: str) -> Iterator[str]:
        agent = agent_of(span, names)
        if agent and agent != at_work:
            yield agent
        for child in span.children:
            yield from walk(child, agent or at_work)

    for root in trace.roots:
        yield from walk(root, "")


def _mentions_agent(text: str, agent: str) -> bool:
    # An id is often a name, an underscore, and a number.
    return bool(re.search(rf"(?<![^\W_]){re.escape(agent)}(?![^\W_])", text))
