"""Things that a replay needs and a trace does not hold."""

from dataclasses import dataclass
from typing import Literal

Missing = Literal[
    "completion",
    "conversation",
    "images",
    "reply",
    "root",
    "service",
    "stream",
    "tools",
    "usage",
    "redacted",
    "agent",
    "vectors",
]


@dataclass(frozen=True)
class Gap:
    """One thing that the trace does not hold.

    Attributes:
        missing: What kind of thing it is.
        subject: The agent, the tool or the span that it concerns.
        description: What is missing and what follows from it, as a sentence.
        breaks_replay: Whether the imported tape cannot answer the whole run.
    """

    missing: Missing
    subject: str
    description: str
    breaks_replay: bool = False

    def __str__(self) -> str:
        return f"{self.subject}: {self.description}" if self.subject else self.description
