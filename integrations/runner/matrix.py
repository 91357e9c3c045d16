"""Run the cases in each environment with each of its instrumentors, and evaluate the results."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial

from integrations.cases.case import Case
from integrations.environments.build_result import BuildResult, try_build
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.table_comparison import TableComparison, compare_with_table
from integrations.gaps.gap import Gap
from integrations.gaps.reconciliation import GapReconciliation, reconcile_gaps
from integrations.instrumentors.registry import INSTRUMENTORS_BY_NAME, WITH_DECLARED_GAPS
from integrations.runner.environment_result import EnvironmentResult
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress, group_by_framework

EMPTY_TABLE = FidelityTable({}, {}, {})


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
