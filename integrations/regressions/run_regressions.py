"""Run the case of each regression twice: with versions that have it and with others that do not."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from integrations.cases.case import Case
from integrations.environments.environment_spec import BuildResult, try_build
from integrations.regressions.regression import (
    Regression,
    RegressionResult,
    RegressionSide,
    select_counts,
)
from integrations.runner.case_result import CaseResult
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress

JobKey = tuple[RegressionSide, str]
"""A side and a framework. All cases of one key are run as one job."""


def run_both_sides(
    regressions: Sequence[Regression], on_progress: OnProgress
) -> list[RegressionResult]:
    """Run both sides of each regression. A run that several of them need is made once."""
    cases = _cases_by_key(regressions)
    specs = list({side.spec.name: side.spec for side, _ in cases}.values())
    with JobRunner(on_progress) as runner:
        build = partial(try_build, on_progress=on_progress)
        builds = {each.spec.name: each for each in runner.pool.map(build, specs)}
        running = {
            key: runner.submit(job)
            for key, group in cases.items()
            if (job := _job(builds[key[0].spec.name], key[0], group))
        }
        results = {key: future.result() for key, future in running.items()}
    return [_regression_result(each, results, builds) for each in regressions]


def _cases_by_key(regressions: Iterable[Regression]) -> dict[JobKey, list[Case]]:
    cases: dict[JobKey, list[Case]] = {}
    for regression in regressions:
        for side in (regression.bad, regression.good):
            group = cases.setdefault((side, regression.case.framework), [])
            if regression.case not in group:
                group.append(regression.case)
    return cases


def _job(build: BuildResult, side: RegressionSide, cases: Sequence[Case]) -> Job | None:
    if build.environment is None:
        return None
    return Job(side.spec.name, build.environment.python, side.instrumentor, tuple(cases))


def _regression_result(
    regression: Regression,
    job_results: Mapping[JobKey, JobResult],
    builds: Mapping[str, BuildResult],
) -> RegressionResult:
    case, sides = regression.case, (regression.bad, regression.good)
    results = [_case_result(case, job_results.get((side, case.framework))) for side in sides]
    bad_counts, good_counts = (
        select_counts(result, regression.measures) if result else {} for result in results
    )
    problems = [
        f"{side}: {problem}"
        for side, result in zip(sides, results, strict=True)
        if (
            problem := (result.problem or result.unsupported)
            if result
            else builds[side.spec.name].error
        )
    ]
    bad_versions, good_versions = (builds[side.spec.name].packages for side in sides)
    return RegressionResult(
        regression, bad_counts, good_counts, (bad_versions, good_versions), "; ".join(problems)
    )


def _case_result(case: Case, job_result: JobResult | None) -> CaseResult | None:
    results = job_result.case_results if job_result else ()
    return next((each for each in results if each.case == case), None)
