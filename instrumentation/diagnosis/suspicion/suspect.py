"""Rank the steps of a run by suspicion: which one most probably began its failure."""

from dataclasses import dataclass
from typing import Any

from instrumentation.diagnosis.finding import Evidence, quote, step_field
from instrumentation.diagnosis.reading.trace_index import TraceIndex
from instrumentation.diagnosis.suspicion.agent_step import AgentStep
from instrumentation.diagnosis.suspicion.signals import SIGNALS, Steps
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace


@dataclass(frozen=True)
class Suspect:
    """A step in which a failure may have begun.

    Attributes:
        agent: The agent of the step; None if the trace does not say.
        span_id: The id of that span in MLflow; empty in a trace that was read from JSON.
        score: The sum of the signals. It ranks the steps of one run; it is no probability.
    """

    agent: str | None
    span: str
    span_id: str
    score: float
    evidence: tuple[Evidence, ...]
    origin: Span

    def to_json(self) -> dict[str, Any]:
        """The suspect as `diagnose --suspects --json` prints it."""
        return {
            "agent": self.agent,
            "span": self.span,
            "span_id": self.span_id,
            "score": round(self.score, 2),
            "evidence": [vars(one) for one in self.evidence],
        } | step_field(self.origin)


def rank_suspects(trace: Trace) -> tuple[Suspect, ...]:
    """Rank the steps of agents, the most suspicious first; of equal ones, the earlier.

    It is for a run that is known to have failed, and where `diagnose` finds nothing: it names a
    step in any run, also in a healthy one. A finding says what is wrong; a suspect, where to look.

    Example:
        first = rank_suspects(trace)[0]
        print(first.agent, *first.evidence, sep="\\n")
    """
    steps = Steps(TraceIndex(trace))
    found = [_suspect(steps, step) for step in steps.steps]
    return tuple(sorted(found, key=lambda suspect: -suspect.score))


def _suspect(steps: Steps, step: AgentStep) -> Suspect:
    score = 0.0
    evidence = []
    for signal in SIGNALS:
        strength, text = signal.find(steps, step)
        score += signal.weight * strength
        if strength and signal.shows:
            evidence.append(quote(step.span, text, signal.shows))
    return Suspect(step.agent, step.span.name, step.span.id, score, tuple(evidence), step.span)
