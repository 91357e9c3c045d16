"""A unit: what is measured by itself, a whole run, an agent's turn, a tool's call, a completion."""

from collections.abc import Iterator
from dataclasses import dataclass

from instrumentation.trace.span import Span

RUN = "run"
UNIT_KINDS = {"AGENT": "turn", "TOOL": "call", "LLM": "completion"}
"""The kinds of units by the types of their spans; the root of a trace is a run, besides."""


@dataclass(frozen=True)
class MeasuredUnit:
    """A span, its kind, and the turn that it is or stands in; a run stands in none."""

    span: Span
    kind: str
    turn: Span | None = None

    @property
    def agent(self) -> str | None:
        """The agent at work."""
        return self.turn.agent if self.turn else self.span.agent

    def __str__(self) -> str:
        named = self.agent not in (None, self.span.name)
        return f"{self.span.name} of {self.agent}" if named else self.span.name


def iter_units(root: Span) -> Iterator[MeasuredUnit]:
    """The run itself, then each unit in it, an outer one before those inside it."""
    yield MeasuredUnit(root, RUN)
    beneath: list[tuple[Span, Span | None]] = [(root, None)]
    while beneath:
        span, turn = beneath.pop()
        turn = span if span.type == "AGENT" else turn
        if kind := UNIT_KINDS.get(span.type):
            yield MeasuredUnit(span, kind, turn)
        beneath += [(child, turn) for child in reversed(span.children)]
