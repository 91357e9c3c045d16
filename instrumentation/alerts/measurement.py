"""The types of alert measurements: a finished trace, a span that is measured, a measured value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace

RUN = "run"
MEASURED_SPAN_KINDS = {"AGENT": "turn", "TOOL": "call", "LLM": "completion"}
"""The kinds of units by span type; the root of a trace is also a run."""


@dataclass(frozen=True)
class Measurement:
    """A value that was measured on a span.

    Attributes:
        value: In the unit that the name of the measure says.
        message: A sentence about the value, without the threshold.
    """

    value: float
    span: Span
    agent: str | None
    message: str


@dataclass(frozen=True)
class MeasuredSpan:
    """A span that is measured, its kind, and the turn that it is or belongs to, if any."""

    span: Span
    kind: str
    turn: Span | None = None

    @property
    def agent(self) -> str | None:
        """The agent that does this work."""
        return self.turn.agent if self.turn else self.span.agent

    def __str__(self) -> str:
        has_other_name = self.agent not in (None, self.span.name)
        return f"{self.span.name} of {self.agent}" if has_other_name else self.span.name


def iter_measured_spans(root: Span) -> Iterator[MeasuredSpan]:
    """Yield the run itself, then each unit in it; a unit comes before the units inside it."""
    yield MeasuredSpan(root, RUN)
    remaining: list[tuple[Span, Span | None]] = [(root, None)]
    while remaining:
        span, turn = remaining.pop()
        turn = span if span.type == "AGENT" else turn
        if kind := MEASURED_SPAN_KINDS.get(span.type):
            yield MeasuredSpan(span, kind, turn)
        remaining += [(child, turn) for child in reversed(span.children)]


@dataclass(frozen=True)
class FinishedTrace:
    """The trace of a run that has ended, the name of its experiment, and its MLflow tags."""

    trace: Trace
    experiment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """MLflow's trace id; empty for a trace that was read from JSON."""
        return self.trace.ids[0] if self.trace.ids else ""
