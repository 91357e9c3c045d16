"""The table itself: an entry for each case and column, and the versions they were counted with."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from integrations.cases.case import Case
from integrations.environments.build import Environment
from integrations.environments.uv import InstallError
from integrations.fidelity.table_entry import TableEntry, entry_from_result
from integrations.instrumentors.registry import Instrumentor
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress, group_by_framework

MAX_PARALLEL = 2
"""How many children fly at once."""

EntryKey = tuple[str, str, str]
"""Of an entry: framework, case, column."""


@dataclass(frozen=True)
class FidelityTable:
    """`versions` are by column, by package. `titles` are those of the cases, by framework, in the
    order of the rows."""

    versions: Mapping[str, Mapping[str, str]]
    titles: Mapping[str, Mapping[str, str]]
    entries: Mapping[EntryKey, TableEntry]

    def entries_of(self, instrumentor: str) -> Iterator[TableEntry]:
        """What a column tells of all the cases."""
        return (each for (_, _, name), each in self.entries.items() if name == instrumentor)


def measure_table(
    instrumentors: Sequence[Instrumentor], cases: Sequence[Case], on_progress: OnProgress
) -> FidelityTable:
    """Fly all cases under all columns, each column and framework in a process of its own.

    A column whose environment is not there is left out, and `progress` is told how to get it.
    However this ends, the children are ended with it.
    """
    standing = dict(_available_environments(instrumentors, on_progress))
    tower, flying = JobRunner(on_progress), list[Future[JobResult]]()
    with ThreadPoolExecutor(MAX_PARALLEL) as pool:
        try:
            for column, environment in standing.items():
                for sortie in _jobs(column, environment, cases):
                    flying.append(pool.submit(tower.run_job, sortie))
            landed = [each.result() for each in flying]
        finally:
            tower.close()
            pool.shutdown(cancel_futures=True)
    return FidelityTable(
        {column.name: column.package_versions(where) for column, where in standing.items()},
        {
            its[0].framework: {case.name: case.title for case in its}
            for its in _cases_by_framework(cases)
        },
        dict(_entries(tuple(standing), cases, landed)),
    )


def _available_environments(
    instrumentors: Sequence[Instrumentor], on_progress: OnProgress
) -> Iterator[tuple[Instrumentor, Environment]]:
    for column in instrumentors:
        try:
            yield column, column.find_environment()
        except InstallError as why:
            on_progress(f"{column.name} is left out: {why}")


def _cases_by_framework(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    return group_by_framework(cases, tuple({case.framework for case in cases}))


def _jobs(
    instrumentor: Instrumentor, environment: Environment, cases: Sequence[Case]
) -> Iterator[Job]:
    for its in _cases_by_framework(cases):
        yield Job(
            instrumentor.environment_name or "locked", environment.python, instrumentor.name, its
        )


def _entries(
    instrumentors: Sequence[Instrumentor], cases: Sequence[Case], job_results: Sequence[JobResult]
) -> Iterator[tuple[EntryKey, TableEntry]]:
    """By row, and in a row by column."""
    rows = {
        (row.case.framework, row.case.name, row.instrumentor): entry_from_result(row)
        for each in job_results
        for row in each.case_results
    }
    for case in cases:
        for column in instrumentors:
            place = (case.framework, case.name, column.name)
            yield place, rows[place]
