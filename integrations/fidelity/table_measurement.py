"""Measure the fidelity table: run all cases under all instrumentors, and count."""

from collections.abc import Iterator, Sequence

from integrations.cases.case import Case
from integrations.environments.build import Environment, find_environment
from integrations.environments.uv import InstallError
from integrations.fidelity.fidelity_table import (
    EntryKey,
    FidelityTable,
    TableEntry,
    entry_from_result,
)
from integrations.instrumentors.registry import Instrumentor
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress, group_by_framework

ALWAYS_LISTED_PACKAGES = ("crewai", "autogen-agentchat", "openai")
"""Packages whose versions are listed for every instrumentor."""


def measure_table(
    instrumentors: Sequence[Instrumentor], cases: Sequence[Case], on_progress: OnProgress
) -> FidelityTable:
    """Run all cases under all instrumentors, one process per instrumentor and framework.

    Instrumentors whose environment has not been built are left out and reported to `on_progress`.
    If this is interrupted, the child processes are killed.
    """
    environments = dict(_available_environments(instrumentors, on_progress))
    with JobRunner(on_progress) as runner:
        running = [
            runner.submit(job)
            for instrumentor, environment in environments.items()
            for job in _jobs(instrumentor, environment, cases)
        ]
        results = [each.result() for each in running]
    return FidelityTable(
        {each.name: _versions(each, environment) for each, environment in environments.items()},
        {
            group[0].framework: {case.name: case.title for case in group}
            for group in _by_framework(cases)
        },
        dict(_entries(tuple(environments), cases, results)),
    )


def _available_environments(
    instrumentors: Sequence[Instrumentor], on_progress: OnProgress
) -> Iterator[tuple[Instrumentor, Environment]]:
    for instrumentor in instrumentors:
        try:
            yield instrumentor, find_environment(instrumentor.environment_name)
        except InstallError as error:
            on_progress(f"{instrumentor.name} is left out: {error}")


def _versions(instrumentor: Instrumentor, environment: Environment) -> dict[str, str]:
    packages = (*ALWAYS_LISTED_PACKAGES, *instrumentor.packages)
    return {name: environment.packages[name] for name in packages}


def _by_framework(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    return group_by_framework(cases, tuple({case.framework for case in cases}))


def _jobs(
    instrumentor: Instrumentor, environment: Environment, cases: Sequence[Case]
) -> Iterator[Job]:
    name = instrumentor.environment_name or "locked"
    for group in _by_framework(cases):
        yield Job(name, environment.python, instrumentor.name, group)


def _entries(
    instrumentors: Sequence[Instrumentor], cases: Sequence[Case], job_results: Sequence[JobResult]
) -> Iterator[tuple[EntryKey, TableEntry]]:
    """Yield the entries case by case, and within a case by instrumentor."""
    entries = {
        (result.case.framework, result.case.name, result.instrumentor): entry_from_result(result)
        for each in job_results
        for result in each.case_results
    }
    for case in cases:
        for instrumentor in instrumentors:
            key = (case.framework, case.name, instrumentor.name)
            yield key, entries[key]
