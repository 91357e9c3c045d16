"""A finding: what went wrong in a run, in which span it began, and how it reached the answer."""

from dataclasses import dataclass
from typing import Any

from instrumentation.diagnosis.reading.texts import to_json_text
from instrumentation.trace.conversations import step_number_of
from instrumentation.trace.span import Span
from instrumentation.trace.wording import truncate

MAX_QUOTE_CHARS = 240
"""Longer quotations of a span are truncated."""


@dataclass(frozen=True)
class Evidence:
    """A quotation from a span, and what it shows."""

    span: str
    span_id: str
    quote: str
    shows: str

    def __str__(self) -> str:
        return f"{self.span}: {self.shows}: {self.quote}"


@dataclass(frozen=True)
class PathStep:
    """A span through which a failure passed, and the agent at work in it."""

    agent: str | None
    span: str
    span_id: str

    def __str__(self) -> str:
        return self.span if self.agent in (None, self.span) else f"{self.agent}: {self.span}"


@dataclass(frozen=True)
class Finding:
    """A failure of a run.

    Attributes:
        mode: The failure mode, one of `MODES`.
        agent: The agent that began it; None if the trace does not say.
        span: The name of the span in which it began.
        span_id: The id of that span in MLflow; empty in a trace that was read from JSON.
        path: The spans from the origin to the answer, origin first.
        confidence: From 0.0 to 1.0: how sure the evidence is. It is not a measured frequency.
        rank_reason: Why the finding has its place among several ones; set by `diagnose`.
    """

    mode: str
    agent: str | None
    span: str
    span_id: str
    path: tuple[PathStep, ...]
    evidence: tuple[Evidence, ...]
    fix: str
    confidence: float
    rank_reason: str
    origin: Span

    def to_json(self) -> dict[str, Any]:
        """The finding as `diagnose --json` prints it."""
        fields = vars(self) | {
            "path": [vars(step) for step in self.path],
            "evidence": [vars(one) for one in self.evidence],
        }
        del fields["origin"]
        return fields | step_field(self.origin)


def step_field(origin: Span) -> dict[str, int]:
    """The field `step` of an origin in the log of a conversation; empty elsewhere."""
    number = step_number_of(origin)
    return {} if number is None else {"step": number}


def quote(span: Span, value: Any, shows: str) -> Evidence:
    """Quote a text or JSON of a span, on one line and at most `MAX_QUOTE_CHARS` long."""
    line = " ".join(to_json_text(value).split())
    return Evidence(span.name, span.id, truncate(line, MAX_QUOTE_CHARS), shows)
