"""The evaluation of a case run: its counts, and its differences from the golden."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.cases.case import Case
from integrations.gaps.gap import OUTCOME
from integrations.goldens.golden_file import Golden
from integrations.goldens.request_drift import (
    ModelRequest,
    RequestDrift,
    compare_with_golden,
    requests_of_ledger,
)
from integrations.goldens.trees.edit_script import Edit, edit_script
from integrations.goldens.trees.span_shape import SpanShape, trace_shapes
from integrations.measures.run_counts import count_run
from integrations.measures.span_normalization import normalized_trace
from integrations.runner.case_run import CaseRun
from scenarios.player.fidelity import FidelityCount


@dataclass(frozen=True)
class CaseResult:
    """The result of a run, without its traces, which may be large.

    Attributes:
        counts: Happened and recorded, by measure. If the run differs from the ground truth of its
            case, `OUTCOME` is the only measure.
        problem: How the run differs from the ground truth of its case; empty if it does not.
        unsupported: Why nothing was counted; empty if it was.
        stored_bytes: The size of what was recorded.
        shapes: The span trees, without values.
        model_requests: The requests that the program sent to the model.
        edits: How the trees differ from the golden's.
        request_drifts: How the requests differ from the golden's.
        lacks_golden: Whether there is no golden to compare with.
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
        """Whether everything that happened was recorded, once."""
        return all(count.is_equal for count in self.counts.values())


def evaluate_run(run: CaseRun, golden: Golden | None) -> CaseResult:
    """Count a run and compare it with the golden of its case."""
    trace = normalized_trace(run)
    shapes, requests = trace_shapes(trace), requests_of_ledger(run.exchanges)
    golden_shapes = golden.shapes.get(run.instrumentor) if golden else None
    edits: tuple[Edit, ...] = ()
    drifts: tuple[RequestDrift, ...] = ()
    counts: dict[str, FidelityCount] = {}
    if golden and not run.unsupported:
        drifts = compare_with_golden(golden.model_requests, requests)
        if golden_shapes is not None:
            edits = edit_script(golden_shapes, shapes)
    if not run.unsupported:
        counts = {OUTCOME: FidelityCount(1, 0)} if run.problem else dict(count_run(run, trace))
    return CaseResult(
        case=run.case,
        instrumentor=run.instrumentor,
        counts=counts,
        problem=run.problem,
        unsupported=run.unsupported,
        answer=run.answer,
        stored_bytes=run.stored_bytes,
        shapes=shapes,
        model_requests=requests,
        edits=edits,
        request_drifts=drifts,
        lacks_golden=golden_shapes is None and not run.unsupported,
    )
