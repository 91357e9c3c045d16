"""A trace under diagnosis: its index, its data flow and the sources of its figures."""

from collections.abc import Callable, Iterable
from functools import cached_property

from instrumentation.diagnosis.finding import Evidence, Finding, PathStep
from instrumentation.diagnosis.reading.data_flow import DataFlow
from instrumentation.diagnosis.reading.grounding import Grounding
from instrumentation.diagnosis.reading.handoff import Handoff, read_handoffs
from instrumentation.diagnosis.reading.trace_index import TraceIndex
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace

MAX_EVIDENCE = 8
"""More quotations are not read."""


class TraceReading:
    """Everything that a detector reads of a trace, computed once and on first use."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.index = TraceIndex(trace)

    @cached_property
    def flow(self) -> DataFlow:
        return DataFlow(self.index)

    @cached_property
    def grounding(self) -> Grounding:
        return Grounding(self.index)

    @cached_property
    def handoffs(self) -> tuple[Handoff, ...]:
        return read_handoffs(self.index, self.flow)

    def build_finding(
        self,
        mode: str,
        origin: Span,
        fix: str,
        confidence: float,
        *evidence: Evidence,
        agent: str | None = None,
        carries: Callable[[str], bool] | None = None,
        starts: Iterable[Span] = (),
    ) -> Finding:
        """Build a finding, with the path from its origin to the answer.

        The agent that began it is the one at work in the origin, unless `agent` names another. For
        `carries` and `starts`, see `DataFlow.path`.
        """
        path = self.flow.path(origin, carries=carries, starts=starts)
        agent = agent or self.index.agent(origin)
        first = PathStep(agent, origin.name, origin.id)
        return Finding(
            mode=mode,
            agent=agent,
            span=origin.name,
            span_id=origin.id,
            path=(first, *path[1:]),
            evidence=evidence[:MAX_EVIDENCE],
            fix=fix,
            confidence=confidence,
            rank_reason="",
            origin=origin,
        )
