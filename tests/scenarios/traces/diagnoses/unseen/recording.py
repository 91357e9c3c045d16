"""Run the cases with real frameworks and a real store, and read their traces back."""

from instrumentation.trace import Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.replay_server import replay_tape
from tests.scenarios.traces.diagnoses.unseen.case import Case
from tests.scenarios.traces.diagnoses.unseen.cases import CASES
from tests.support.tapes import make_tape


def record_case(case: Case) -> Trace:
    """Run a case while tracing is on, and return its trace as it was stored."""
    with record_run() as run, replay_tape(make_tape(*case.lines), case.outages) as replay:
        case.run(replay)
        assert not replay.refusals, f"{case.program}, {case.story}: {replay.refusals[0]}"
        assert not replay.unfired_faults, case.story
    return trace_from_mlflow(trace.to_dict() for trace in run.traces())


def record_cases(store: str) -> list[tuple[Case, Trace]]:
    """Record all cases in one store, and check that each place of a truth is in the trace."""
    with enable_tracing(store):
        recorded = [(case, record_case(case)) for case in CASES]
    for case, trace in recorded:
        for place in (place for truth in case.truths for place in truth.places):
            assert place.find(trace), f"{case.program}, {case.story}: no span at {place}"
    return recorded
