"""A `Turn` describes the start of an agent's work: what it was offered, what it received, and why.

A turn is one agent at work. Handoffs are recorded from turns.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any

from patches.support.error_boundaries import call_with_fallback


@dataclass(frozen=True)
class Message:
    """A message as text: its sender, the name of its class, its content."""

    source: str
    type: str
    content: str

    def to_dict(self) -> dict[str, str]:
        return {"source": self.source, "type": self.type, "content": self.content}


@dataclass(frozen=True)
class Edge:
    """An edge of an agent graph whose condition was checked against a message of `source`."""

    source: str
    target: str
    condition: str | None
    condition_met: bool

    def __str__(self) -> str:
        condition = f": {self.condition}" if self.condition else ""
        result = "yes" if self.condition_met else "no"
        return f"{self.source} → {self.target}{condition}: {result}"


@dataclass(frozen=True)
class Turn:
    """The start of an agent's work.

    Attributes:
        offered: The messages that the team had for the agent.
        received: Those that a message filter let pass; the same `Message` objects as in `offered`.
        edges: The edges that were checked since the agent's last turn.
        prompt: The text that the agent was given, if the framework makes one from the messages.
    """

    agent: str
    offered: tuple[Message, ...]
    received: tuple[Message, ...]
    edges: tuple[Edge, ...] = ()
    prompt: str | None = None


OnTurn = Callable[[Turn], None]
"""Called when a turn starts."""


def sort_edges(edges: Iterable[Edge], overlaps: Container[frozenset[str]]) -> list[Edge]:
    """Return edges in the order in which they were checked, but without chance in it.

    If two agents had overlapping turns, it is chance which one ended first; their edges are sorted
    by the agents' names. `overlaps` contains the pairs of such agents.
    """
    groups: list[list[Edge]] = []
    for edge in edges:
        previous_source = groups[-1][-1].source if groups else ""
        if edge.source == previous_source or frozenset((edge.source, previous_source)) in overlaps:
            groups[-1].append(edge)
        else:
            groups.append([edge])
    return [edge for group in groups for edge in sorted(group, key=lambda edge: edge.source)]


def message_from_autogen(message: Any) -> Message:
    """Convert an AutoGen chat message to text; images become placeholders."""
    class_name = type(message).__name__  # perhaps of the user's own class
    text = call_with_fallback(lambda: str(message.to_text()), lambda _: f"<{class_name}>")
    return Message(str(getattr(message, "source", "")), class_name, text)
