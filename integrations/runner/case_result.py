"""A row: one case as one instrumentor told it in one cell, counted and held against its golden."""

from collections.abc import Mapping
from dataclasses import dataclass

from instrumentation.trace.trace import Trace
from integrations.cases.case import Case
from integrations.conventions.normalized_trace import told
from integrations.gaps.gap import FLIGHT
from integrations.goldens.golden_file import Golden
from integrations.goldens.model_requests import Asked, asked
from integrations.goldens.request_drift import Drifted, drifts
from integrations.measures.fidelity_counts import counted
from integrations.runner.case_run import Flight
from integrations.trees.edit_script import Edit, edits
from integrations.trees.span_shape import Shape, shaped
from scenarios.player.fidelity import Count


@dataclass(frozen=True)
class Row:
    """What there is to say of it, without the traces themselves, for these may be large.

    `counts` are by measure. Of a case that went otherwise than it says there is the one measure
    `FLIGHT`, and `trouble` says why; `absent` says why there is none at all. `edits` and `drifts`
    lead from the golden to what was seen; `without_golden` says that there is none.
    """

    case: Case
    instrumentor: str
    counts: Mapping[str, Count]
    trouble: str
    absent: str
    answer: str
    bytes: int
    shapes: tuple[Shape, ...]
    asked: tuple[Asked, ...]
    edits: tuple[Edit, ...]
    drifts: tuple[Drifted, ...]
    without_golden: bool

    @property
    def whole(self) -> bool:
        return all(count.whole for count in self.counts.values())


def row(flight: Flight, golden: Golden | None) -> Row:
    """Count a flight, and hold it against the golden of its case."""
    trace = told(flight)
    seen, requests = shaped(trace), asked(flight.exchanges)
    shapes = golden.shapes.get(flight.instrumentor) if golden else None
    return Row(
        flight.case,
        flight.instrumentor,
        _counts(flight, trace),
        flight.trouble,
        flight.absent,
        flight.answer,
        flight.bytes,
        seen,
        requests,
        edits(shapes, seen) if shapes is not None and not flight.absent else (),
        drifts(golden.asked, requests) if golden and not flight.absent else (),
        without_golden=shapes is None and not flight.absent,
    )


def _counts(flight: Flight, trace: Trace) -> dict[str, Count]:
    if flight.absent:
        return {}
    return {FLIGHT: Count(1, 0)} if flight.trouble else dict(counted(flight, trace))
