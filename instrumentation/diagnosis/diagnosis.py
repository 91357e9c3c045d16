"""Diagnose a trace: run all detectors, and rank the findings, origin before consequence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from instrumentation.diagnosis.detectors import DETECTORS, Detector
from instrumentation.diagnosis.finding import Finding
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.values.figure_not_in_reply import HTTP_REPLY_ATTRIBUTE
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
    return Diagnosis(_rank(reading, found), tuple(_iter_lacks(reading)))


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


def _iter_lacks(reading: TraceReading) -> Iterator[str]:
    """Yield one sentence per kind of contents that the trace does not have."""
    index = reading.index
    if not index.turns:
        yield "no span of an agent: which agent did what is unknown"
    agents = {turn.agent for turn in index.turns}
    if len(agents) > 1 and not index.handoffs:
        yield "no handoffs: what one agent passed to the next was inferred from the prompts"
    if not index.completions:
        yield "no completions: prompts and answers of the models are unknown"
    elif not any(completion.prompt for completion in index.completions):
        yield "no prompts: what the models were given is unknown"
    offered = {tool for completion in index.completions for tool in completion.tools}
    requested = {one.name for each in index.completions for one in each.answer.requests}
    if requested and not index.tool_calls:
        yield f"no tool calls, although models asked for {', '.join(sorted(requested))}"
    elif index.tool_calls and not offered:
        yield "no tool definitions: which tools the models could have called is unknown"
    if index.tool_calls and not any(
        HTTP_REPLY_ATTRIBUTE in call.attributes for call in index.tool_calls
    ):
        yield "no HTTP replies of tools: whether a tool misread one is unknown"
    if index.tool_calls and all(call.outputs is None for call in index.tool_calls):
        yield "no results of tools: where the figures come from is unknown"
    if len(agents) > 1 and not index.handoffs and not index.state_spans:
        yield "no shared state: what agents noted for each other, and overwrote, is unknown"
    if not index.has_times:
        yield "no times: what ran at once, and how long it waited, is unknown"
    if not index.answer and not reading.trace.roots[-1].failed:
        yield "no output of the run: the answer is unknown"
