"""What would have been caught: the regressions, flown on their bad and on their good side."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from integrations.cases.case import Case
from integrations.environments.build_result import BuildResult, try_build
from integrations.matrix.matrix import MAX_PARALLEL
from integrations.regressions.regression import (
    Regression,
    RegressionResult,
    RegressionSide,
    select_counts,
)
from integrations.runner.case_result import CaseResult
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress

SideCases = tuple[RegressionSide, str]
"""What is flown together: all cases of one framework on one side."""


def run_regressions(
    regressions: Sequence[Regression], on_progress: OnProgress
) -> list[RegressionResult]:
    """Fly both sides of each. What several regressions fly alike is flown once."""
    wanted = _cases_by_side(regressions)
    cells = list({side.spec.name: side.spec for side, _ in wanted}.values())
    tower = JobRunner(on_progress)
    with ThreadPoolExecutor(MAX_PARALLEL) as pool:
        try:
            stand = pool.map(partial(try_build, on_progress=on_progress), cells)
            at = {one.spec.name: one for one in stand}
            flying = {
                flight: pool.submit(tower.run_job, sortie)
                for flight, cases in wanted.items()
                if (sortie := _job(at[flight[0].spec.name], flight[0], cases))
            }
            landed = {flight: future.result() for flight, future in flying.items()}
        finally:
            tower.close()
            pool.shutdown(cancel_futures=True)
    return [_regression_result(each, landed, at) for each in regressions]


def _cases_by_side(regressions: Iterable[Regression]) -> dict[SideCases, list[Case]]:
    wanted: dict[SideCases, list[Case]] = {}
    for each in regressions:
        for side in (each.bad, each.good):
            cases = wanted.setdefault((side, each.case.framework), [])
            if each.case not in cases:
                cases.append(each.case)
    return wanted


def _job(build_result: BuildResult, side: RegressionSide, cases: Sequence[Case]) -> Job | None:
    if build_result.environment is None:
        return None
    return Job(side.spec.name, build_result.environment.python, side.instrumentor, tuple(cases))


def _regression_result(
    regression: Regression,
    job_results: Mapping[SideCases, JobResult],
    build_results: Mapping[str, BuildResult],
) -> RegressionResult:
    sides = (regression.bad, regression.good)
    rows = [
        _case_result(regression.case, job_results.get((each, regression.case.framework)))
        for each in sides
    ]
    bad, good = (select_counts(row, regression.measures) if row else {} for row in rows)
    troubles = [
        f"{side}: {trouble}"
        for side, row in zip(sides, rows, strict=True)
        if (
            trouble := row.problem or row.unsupported
            if row
            else build_results[side.spec.name].error
        )
    ]
    bad_at, good_at = (build_results[side.spec.name].packages for side in sides)
    return RegressionResult(regression, bad, good, (bad_at, good_at), "; ".join(troubles))


def _case_result(case: Case, job_result: JobResult | None) -> CaseResult | None:
    rows = job_result.case_results if job_result else ()
    return next((row for row in rows if row.case == case), None)
