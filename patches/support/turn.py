"""A turn: one agent at work, with what it was offered, what it was given, and why it was chosen."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """A message as text: who said it, the name of its class, its content."""

    source: str
    type: str
    content: str

    def shown(self) -> dict[str, str]:
        return {"source": self.source, "type": self.type, "content": self.content}


@dataclass(frozen=True)
class Route:
    """An edge of a graph, tried on what `source` said: whether it held."""

    source: str
    target: str
    condition: str | None
    held: bool

    def __str__(self) -> str:
        asked = f": {self.condition}" if self.condition else ""
        return f"{self.source} → {self.target}{asked}: {'yes' if self.held else 'no'}"


def in_order(routes: Iterable[Route], overlaps: Container[frozenset[str]]) -> list[Route]:
    """The edges as they were tried; but where agents had their turns at the same time, by their
    names: which of `overlaps` was the first to end is chance."""
    groups: list[list[Route]] = []
    for route in routes:
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
    offered: tuple[Said, ...]
    given: tuple[Said, ...]
    routes: tuple[Route, ...] = ()
    prompt: str | None = None


OnTurn = Callable[[Turn], None]
"""Is told of each turn as it starts."""


def said(message: Any) -> Said:
    """An AutoGen chat message as text; its images as a placeholder."""
    kind = type(message).__name__
    try:
        text = message.to_text()
    except Exception:
        text = f"<{kind}>"  # a message of the user's own may raise anything, and must fail no run
    return Said(str(getattr(message, "source", "")), kind, text)
