"""The matrix: cells, in each of which cases are flown under instrumentors, and what came of it."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from integrations.cases.case import Case
from integrations.environments.build import Environment
from integrations.environments.build_result import BuildResult, try_build
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.comparison import TableComparison, compare_with_table
from integrations.fidelity.fidelity_table import FidelityTable
from integrations.gaps.gap import Gap
from integrations.gaps.reconciliation import GapReconciliation, reconcile_gaps
from integrations.instrumentors.names import WITH_DECLARED_GAPS
from integrations.runner.case_result import CaseResult
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress, group_by_framework

MAX_PARALLEL = 2
"""How many cells are built, or sorties flown, at once: each is a process that loads frameworks."""
EMPTY_TABLE = FidelityTable({}, {}, {})


@dataclass(frozen=True)
class EnvironmentResult:
    """A cell once all is flown in it: its rows, and its gaps by framework and instrumentor.

    What an instrumentor told of which no gaps are declared, as another's or a framework's own, is
    `held` against the fidelity table. `took_s` is the time of its sorties, one after the other, in
    seconds.
    """

    spec: EnvironmentSpec
    environment: Environment | None
    install_error: str
    case_results: tuple[CaseResult, ...]
    gap_reconciliations: tuple[GapReconciliation, ...]
    duration_s: float
    table_comparisons: tuple[TableComparison, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each reason for which the cell does not pass."""
        return tuple(self._find_problems())

    @property
    def passed(self) -> bool:
        return not self.problems

    def _find_problems(self) -> Iterator[str]:
        if self.install_error and not self.spec.expects_conflict:
            yield f"could not be installed: {self.install_error}"
        if self.spec.expects_conflict and not self.install_error:
            yield (
                "could be installed, and is declared to be in conflict with itself:"
                " strike `conflict` out in integrations/environments/declared_environments.py"
            )
        for each in self.gap_reconciliations:
            yield from each.problems
        for told in self.table_comparisons:
            yield from told.problems
        if self.spec.is_locked:
            yield from self._golden_problems()

    def _golden_problems(self) -> Iterator[str]:
        """The goldens are of the locks' own cells; in others a tree may differ, and it is told."""
        problems = {
            "have no golden": [row for row in self.case_results if row.lacks_golden],
            "are not as their goldens": [
                row for row in self.case_results if self._differs_from_golden(row)
            ],
        }
        for how, rows in problems.items():
            names = dict.fromkeys(f"{row.case.framework}/{row.case.name}" for row in rows)
            if names:
                yield f"{', '.join(names)} {how}: if it is right, python -m integrations accept"

    def _differs_from_golden(self, result: CaseResult) -> bool:
        """What is asked is golden as it is under ours: another's instrumentor may change it."""
        return bool(
            result.edits or (result.request_drifts and result.instrumentor in WITH_DECLARED_GAPS)
        )


def run_matrix(
    specs: Iterable[EnvironmentSpec],
    cases: Sequence[Case],
    known_gaps: Sequence[Gap],
    progress: OnProgress,
    fidelity_table: FidelityTable = EMPTY_TABLE,
) -> Generator[EnvironmentResult]:
    """Build all the cells, fly the cases in them, and hold what is seen against what is known: the
    gaps, and of instrumentors without declared ones the fidelity `table`.

    A cell comes as soon as it and those before it are done. Whoever stops early, as by Ctrl-C, does
    not wait: the children are ended.
    """
    job_runner = JobRunner(progress)
    with ThreadPoolExecutor(MAX_PARALLEL) as pool:
        try:
            stand = list(pool.map(partial(try_build, on_progress=progress), specs))
            flying = [
                [pool.submit(job_runner.run_job, each) for each in _jobs(s, cases)] for s in stand
            ]
            for one, its in zip(stand, flying, strict=True):
                yield _environment_result(
                    one, [each.result() for each in its], known_gaps, fidelity_table
                )
        finally:
            job_runner.close()
            pool.shutdown(cancel_futures=True)


def _jobs(build_result: BuildResult, cases: Sequence[Case]) -> Iterator[Job]:
    if build_result.environment is None:
        return
    for its in group_by_framework(cases, build_result.spec.frameworks):
        for instrumentor in build_result.spec.instrumentors:
            yield Job(build_result.spec.name, build_result.environment.python, instrumentor, its)


def _environment_result(
    build_result: BuildResult,
    job_results: Sequence[JobResult],
    known: Sequence[Gap],
    table: FidelityTable,
) -> EnvironmentResult:
    declared = [each for each in job_results if each.job.instrumentor in WITH_DECLARED_GAPS]
    others = [each for each in job_results if each.job.instrumentor not in WITH_DECLARED_GAPS]
    return EnvironmentResult(
        build_result.spec,
        build_result.environment,
        build_result.error,
        case_results=tuple(row for each in job_results for row in each.case_results),
        gap_reconciliations=tuple(
            _reconcile(each, build_result.packages, known) for each in declared
        ),
        duration_s=sum(each.duration_s for each in job_results),
        table_comparisons=tuple(_compare(each, build_result.spec, table) for each in others),
    )


def _reconcile(
    job_result: JobResult, packages: Mapping[str, str], known: Sequence[Gap]
) -> GapReconciliation:
    counts = {row.case.name: row.counts for row in job_result.case_results}
    return reconcile_gaps(
        job_result.job.framework, job_result.job.instrumentor, packages, counts, known
    )


def _compare(job_result: JobResult, spec: EnvironmentSpec, table: FidelityTable) -> TableComparison:
    return compare_with_table(
        spec, job_result.job.framework, job_result.job.instrumentor, job_result.case_results, table
    )
