"""The table itself: an entry for each case and column, and the versions they were counted with."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from integrations.cases.case import Case
from integrations.environments.build import Environment
from integrations.environments.uv import NotInstallable
from integrations.fidelity.table_entry import Entry, entry
from integrations.instrumentors.registry import Column
from integrations.runner.jobs import Landed, Progress, Sortie, Tower, by_framework

AT_ONCE = 2
"""How many children fly at once."""

Place = tuple[str, str, str]
"""Of an entry: framework, case, column."""


@dataclass(frozen=True)
class Table:
    """`versions` are by column, by package. `titles` are those of the cases, by framework, in the
    order of the rows."""

    versions: Mapping[str, Mapping[str, str]]
    titles: Mapping[str, Mapping[str, str]]
    entries: Mapping[Place, Entry]

    def of(self, column: str) -> Iterator[Entry]:
        """What a column tells of all the cases."""
        return (each for (_, _, name), each in self.entries.items() if name == column)


def measured(columns: Sequence[Column], cases: Sequence[Case], progress: Progress) -> Table:
    """Fly all cases under all columns, each column and framework in a process of its own.

    A column whose environment is not there is left out, and `progress` is told how to get it.
    However this ends, the children are ended with it.
    """
    standing = dict(_standing(columns, progress))
    tower, flying = Tower(progress), list[Future[Landed]]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for column, environment in standing.items():
                for sortie in _sorties(column, environment, cases):
                    flying.append(pool.submit(tower.flown, sortie))
            landed = [each.result() for each in flying]
        finally:
            tower.close()
            pool.shutdown(cancel_futures=True)
    return Table(
        {column.name: column.versions(where) for column, where in standing.items()},
        {its[0].framework: {case.name: case.title for case in its} for its in _grouped(cases)},
        dict(_entries(tuple(standing), cases, landed)),
    )


def _standing(
    columns: Sequence[Column], progress: Progress
) -> Iterator[tuple[Column, Environment]]:
    for column in columns:
        try:
            yield column, column.environment()
        except NotInstallable as why:
            progress(f"{column.name} is left out: {why}")


def _grouped(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    return by_framework(cases, tuple({case.framework for case in cases}))


def _sorties(column: Column, where: Environment, cases: Sequence[Case]) -> Iterator[Sortie]:
    for its in _grouped(cases):
        yield Sortie(column.stands or "locked", where.python, column.name, its)


def _entries(
    columns: Sequence[Column], cases: Sequence[Case], landed: Sequence[Landed]
) -> Iterator[tuple[Place, Entry]]:
    """By row, and in a row by column."""
    rows = {
        (row.case.framework, row.case.name, row.instrumentor): entry(row)
        for each in landed
        for row in each.rows
    }
    for case in cases:
        for column in columns:
            place = (case.framework, case.name, column.name)
            yield place, rows[place]
