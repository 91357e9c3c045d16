"""Find the spans of a trace that a diagnosis cites."""

from collections.abc import Mapping
from dataclasses import dataclass

from instrumentation.diagnosis import Diagnosis, Finding, PathStep
from instrumentation.trace import Span, Trace


@dataclass(frozen=True)
class CitedStep:
    """A step on the path of a finding, with its span; None if the trace does not have it."""

    step: PathStep
    span: Span | None


class CitedSpans:
    """Finds the spans of path steps and quotations: by id, or else by name.

    A trace that was read from a recorded file has no ids. There a name stands for the first span
    that has it, at or after the origin of the finding.
    """

    def __init__(self, trace: Trace, agent_of: Mapping[int, str]) -> None:
        self._spans = tuple(trace)
        self._agent_of = agent_of
        self._by_id = {span.id: span for span in self._spans if span.id}
        self._position = {id(span): position for position, span in enumerate(self._spans)}

    def path(self, finding: Finding) -> tuple[CitedStep, ...]:
        """The steps of a finding's path with their spans."""
        steps = []
        for number, step in enumerate(finding.path):
            is_origin = number == 0 and step.span == finding.origin.name
            span = finding.origin if is_origin else self._find(step, finding)
            steps.append(CitedStep(step, span))
        return tuple(steps)

    def evidence(self, finding: Finding) -> tuple[Span | None, ...]:
        """The span of each quotation of a finding."""
        return tuple(
            self._find(PathStep(None, one.span, one.span_id), finding) for one in finding.evidence
        )

    def all(self, diagnosis: Diagnosis) -> tuple[Span, ...]:
        cited: list[Span | None] = []
        for finding in diagnosis.findings:
            cited += [finding.origin, *self.evidence(finding)]
            cited += [step.span for step in self.path(finding)]
        return tuple(span for span in cited if span is not None)

    def _find(self, step: PathStep, finding: Finding) -> Span | None:
        if step.span_id and step.span_id in self._by_id:
            return self._by_id[step.span_id]
        if step.span == finding.origin.name and step.agent in (None, finding.agent):
            return finding.origin
        start = self._position.get(id(finding.origin), 0)
        later, earlier = self._spans[start:], self._spans[:start]
        named = [span for span in (*later, *earlier) if span.name == step.span]
        of_agent = [span for span in named if step.agent == self._agent_of.get(id(span))]
        return next(iter(of_agent or named), None)
