"""Diagnose a trace: run all detectors, and rank the findings, origin before consequence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from instrumentation.diagnosis.detectors import DETECTORS, Detector
from instrumentation.diagnosis.finding import Finding
from instrumentation.diagnosis.lacks import iter_lacks
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.trace import Trace

MAX_FINDINGS_PER_DETECTOR = 20
"""A run that fails in one way a thousand times needs one repair."""


@dataclass(frozen=True)
class Diagnosis:
    """The findings of a trace, and what the trace lacks that would tell more.

    Attributes:
        findings: The first one is the origin of the failure.
        lacks: Each names contents that the trace does not have, and what they would show.
    """

    findings: tuple[Finding, ...]
    lacks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as `diagnose --json` prints it."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "lacks": list(self.lacks),
        }


def diagnose(trace: Trace, detectors: Sequence[Detector] = DETECTORS) -> Diagnosis:
    """Find what went wrong in a run, in which span it began, and how it reached the answer.

    No model is called. Only the spans are read; tags and assessments of the trace are not.

    Example:
        for finding in diagnose(trace).findings:
            print(finding.mode, finding.agent, finding.span)
    """
    reading = TraceReading(trace)
    found = [
        finding
        for detector in detectors
        for finding in islice(detector(reading), MAX_FINDINGS_PER_DETECTOR)
    ]
    return Diagnosis(_rank(reading, found), tuple(iter_lacks(reading)))


def _rank(reading: TraceReading, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Sort findings by the ends of their origins, because a cause ends before its consequence."""
    end = reading.index.end_position
    ordered = sorted(findings, key=lambda one: (end(one.origin), -one.confidence))
    return tuple(
        replace(finding, rank_reason=_rank_reason(ordered, place))
        for place, finding in enumerate(ordered)
    )


def _rank_reason(ordered: Sequence[Finding], place: int) -> str:
    finding = ordered[place]
    if place == 0:
        return "the earliest wrong step"
    for number, earlier in enumerate(ordered[:place], 1):
        if finding.origin is earlier.origin:
            return f"the same span as finding {number}, less certain"
        agents = {step.agent for step in earlier.path}
        if finding.agent in agents:
            return f"later than finding {number}, whose path leads through {finding.agent}"
    return "later than finding 1, and apart from its path"
