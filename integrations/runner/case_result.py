"""A row: one case as one instrumentor told it in one cell, counted and held against its golden."""

from collections.abc import Mapping
from dataclasses import dataclass

from instrumentation.trace.trace import Trace
from integrations.cases.case import Case
from integrations.conventions.normalized_trace import normalized_trace
from integrations.gaps.gap import OUTCOME
from integrations.goldens.golden_file import Golden
from integrations.goldens.model_requests import ModelRequest, collect_requests
from integrations.goldens.request_drift import RequestDrift, compare_model_requests
from integrations.measures.run_counts import count_run
from integrations.runner.case_run import CaseRun
from integrations.trees.edit_script import Edit, edit_script
from integrations.trees.span_shape import SpanShape, trace_shapes
from scenarios.player.fidelity import FidelityCount


@dataclass(frozen=True)
class CaseResult:
    """What there is to say of it, without the traces themselves, for these may be large.

    `counts` are by measure. Of a case that went otherwise than it says there is the one measure
    `FLIGHT`, and `trouble` says why; `absent` says why there is none at all. `edits` and `drifts`
    lead from the golden to what was seen; `without_golden` says that there is none.
    """

    case: Case
    instrumentor: str
    counts: Mapping[str, FidelityCount]
    problem: str
    unsupported: str
    answer: str
    stored_bytes: int
    shapes: tuple[SpanShape, ...]
    model_requests: tuple[ModelRequest, ...]
    edits: tuple[Edit, ...]
    request_drifts: tuple[RequestDrift, ...]
    lacks_golden: bool

    @property
    def is_complete(self) -> bool:
        return all(count.is_equal for count in self.counts.values())


def evaluate_run(run: CaseRun, golden: Golden | None) -> CaseResult:
    """Count a flight, and hold it against the golden of its case."""
    trace = normalized_trace(run)
    seen, requests = trace_shapes(trace), collect_requests(run.exchanges)
    shapes = golden.shapes.get(run.instrumentor) if golden else None
    return CaseResult(
        run.case,
        run.instrumentor,
        _counts(run, trace),
        run.problem,
        run.unsupported,
        run.answer,
        run.stored_bytes,
        seen,
        requests,
        edit_script(shapes, seen) if shapes is not None and not run.unsupported else (),
        compare_model_requests(golden.model_requests, requests)
        if golden and not run.unsupported
        else (),
        lacks_golden=shapes is None and not run.unsupported,
    )


def _counts(run: CaseRun, trace: Trace) -> dict[str, FidelityCount]:
    if run.unsupported:
        return {}
    return {OUTCOME: FidelityCount(1, 0)} if run.problem else dict(count_run(run, trace))
