"""Run the cases in each environment with each of its instrumentors, and evaluate the results."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from integrations.cases.case import Case
from integrations.environments.build import Environment
from integrations.environments.environment_spec import BuildResult, EnvironmentSpec, try_build
from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.table_comparison import TableComparison, compare_with_table
from integrations.gaps.gap import Gap
from integrations.gaps.reconciliation import GapReconciliation, reconcile_gaps
from integrations.instrumentors.registry import INSTRUMENTORS_BY_NAME, WITH_DECLARED_GAPS
from integrations.runner.case_result import CaseResult
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress, group_by_framework

EMPTY_TABLE = FidelityTable({}, {}, {})


@dataclass(frozen=True)
class EnvironmentResult:
    """The results in one environment.

    Attributes:
        environment: The environment; None if it could not be built.
        install_error: Why it could not be built; empty if it could.
        case_results: The results of all cases under all instrumentors.
        gap_reconciliations: By framework and instrumentor, for instrumentors with declared gaps.
        duration_s: The sum of the durations of all jobs, in seconds.
        table_comparisons: By framework and instrumentor, for the other instrumentors.
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
        """A sentence for each reason why the environment fails."""
        return tuple(self._find_problems())

    @property
    def passed(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    def _find_problems(self) -> Iterator[str]:
        if self.install_error and not self.spec.expects_conflict:
            yield f"could not be installed: {self.install_error}"
        if self.spec.expects_conflict and not self.install_error:
            yield (
                "could be installed, but is declared as a conflict: remove `expects_conflict` in"
                " integrations/environments/declared_environments.py"
            )
        for reconciliation in self.gap_reconciliations:
            yield from reconciliation.problems
        for comparison in self.table_comparisons:
            yield from comparison.problems
        if self.spec.is_locked:
            yield from self._golden_problems()

    def _golden_problems(self) -> Iterator[str]:
        """Compare with the goldens, which were accepted in the locked environments.

        In any other environment trees may differ; the report shows that, and it is no problem.
        """
        by_problem = {
            "have no golden": [each for each in self.case_results if each.lacks_golden],
            "differ from their goldens": [
                each for each in self.case_results if _differs_from_golden(each)
            ],
        }
        for problem, results in by_problem.items():
            names = ", ".join(dict.fromkeys(each.case.full_name for each in results))
            if names:
                yield f"{names} {problem}: if this is intended, python -m integrations accept"


def _differs_from_golden(result: CaseResult) -> bool:
    """Whether trees differ, or requests. Other people's instrumentors may change requests."""
    compares_requests = result.instrumentor in WITH_DECLARED_GAPS
    return bool(result.edits or (result.request_drifts and compares_requests))


def run_matrix(
    specs: Iterable[EnvironmentSpec],
    cases: Sequence[Case],
    known_gaps: Sequence[Gap],
    on_progress: OnProgress,
    fidelity_table: FidelityTable = EMPTY_TABLE,
) -> Generator[EnvironmentResult]:
    """Build all environments, run the cases in them, and yield the result of each.

    Results are compared with the known gaps, with the fidelity table, or with both where the table
    was measured. A result is yielded as soon as it and those before it are complete. Closing the
    generator, also by Ctrl-C, kills the child processes.
    """
    with JobRunner(on_progress) as runner:
        builds = list(runner.pool.map(partial(try_build, on_progress=on_progress), specs))
        running = [list(map(runner.submit, _jobs(build, cases))) for build in builds]
        for build, futures in zip(builds, running, strict=True):
            job_results = [each.result() for each in futures]
            yield _environment_result(build, job_results, known_gaps, fidelity_table)


def _jobs(build: BuildResult, cases: Sequence[Case]) -> Iterator[Job]:
    if build.environment is None:
        return
    for group in group_by_framework(cases, build.spec.frameworks):
        for instrumentor in build.spec.instrumentors:
            yield Job(build.spec.name, build.environment.python, instrumentor, group)


def _environment_result(
    build: BuildResult,
    job_results: Sequence[JobResult],
    known_gaps: Sequence[Gap],
    table: FidelityTable,
) -> EnvironmentResult:
    with_gaps = [each for each in job_results if each.job.instrumentor in WITH_DECLARED_GAPS]
    in_table = [each for each in job_results if _is_compared_with_table(each, build.spec, table)]
    return EnvironmentResult(
        build.spec,
        build.environment,
        build.error,
        case_results=tuple(each for result in job_results for each in result.case_results),
        gap_reconciliations=tuple(
            _reconcile(each, build.packages, known_gaps) for each in with_gaps
        ),
        duration_s=sum(each.duration_s for each in job_results),
        table_comparisons=tuple(_compare(each, build.spec, table) for each in in_table),
    )


def _is_compared_with_table(result: JobResult, spec: EnvironmentSpec, table: FidelityTable) -> bool:
    """Whether an instrumentor has no declared gaps, or the table was measured in its environment.

    In other environments, the declared gaps say what is different.
    """
    name = result.job.instrumentor
    home = INSTRUMENTORS_BY_NAME[name].environment_name
    was_measured_here = spec.is_locked and home == spec.lock_file.environment_name
    return name not in WITH_DECLARED_GAPS or (was_measured_here and bool(table.entries))


def _reconcile(
    result: JobResult, packages: Mapping[str, str], known_gaps: Sequence[Gap]
) -> GapReconciliation:
    counts = {each.case.name: each.counts for each in result.case_results}
    job = result.job
    return reconcile_gaps(job.framework, job.instrumentor, packages, counts, known_gaps)


def _compare(result: JobResult, spec: EnvironmentSpec, table: FidelityTable) -> TableComparison:
    job = result.job
    return compare_with_table(spec, job.framework, job.instrumentor, result.case_results, table)
