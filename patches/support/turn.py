"""A turn: one agent at work, with what it was offered, what it was given, and why it was chosen."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """A message as text: who said it, the name of its class, its content."""

    source: str
    type: str
    content: str

    def to_dict(self) -> dict[str, str]:
        return {"source": self.source, "type": self.type, "content": self.content}


@dataclass(frozen=True)
class Edge:
    """An edge of a graph, tried on what `source` said: whether it held."""

    source: str
    target: str
    condition: str | None
    condition_met: bool

    def __str__(self) -> str:
        asked = f": {self.condition}" if self.condition else ""
        return f"{self.source} → {self.target}{asked}: {'yes' if self.condition_met else 'no'}"


def sort_edges(edges: Iterable[Edge], overlaps: Container[frozenset[str]]) -> list[Edge]:
    """The edges as they were tried; but where agents had their turns at the same time, by their
    names: which of `overlaps` was the first to end is chance."""
    groups: list[list[Edge]] = []
    for route in edges:
        last = groups[-1][-1].source if groups else ""
        if route.source == last or frozenset((route.source, last)) in overlaps:
            groups[-1].append(route)
        else:
            groups.append([route])
    return [route for group in groups for route in sorted(group, key=lambda route: route.source)]


@dataclass(frozen=True)
class Turn:
    """The start of an agent's work.

    `offered` is what the team had for it, `given` what a message filter left of that, the very same
    `Said` objects where a message passed. `routes` are the edges tried since its last turn.
    `prompt` is the text put before the agent, where a framework makes one of what was given.
    """

    agent: str
    offered: tuple[Message, ...]
    received: tuple[Message, ...]
    edges: tuple[Edge, ...] = ()
    prompt: str | None = None


OnTurn = Callable[[Turn], None]
"""Is told of each turn as it starts."""


def message_from_autogen(message: Any) -> Message:
    """An AutoGen chat message as text; its images as a placeholder."""
    kind = type(message).__name__
    try:
        text = message.to_text()
    except Exception:
        text = f"<{kind}>"  # a message of the user's own may raise anything, and must fail no run
    return Message(str(getattr(message, "source", "")), kind, text)
