"""The matrix: cells, in each of which cases are flown under instrumentors, and what came of it."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from integrations.cases.case import Case
from integrations.environments.build import Environment
from integrations.environments.build_result import Stood, stood
from integrations.environments.environment_spec import Cell
from integrations.fidelity.comparison import Held, held
from integrations.fidelity.fidelity_table import Table
from integrations.gaps.gap import Gap
from integrations.gaps.reconciliation import Reconciled, reconcile
from integrations.instrumentors.names import DECLARED
from integrations.runner.case_result import Row
from integrations.runner.jobs import Landed, Progress, Sortie, Tower, by_framework

AT_ONCE = 2
"""How many cells are built, or sorties flown, at once: each is a process that loads frameworks."""
NO_TABLE = Table({}, {}, {})


@dataclass(frozen=True)
class Flown:
    """A cell once all is flown in it: its rows, and its gaps by framework and instrumentor.

    What an instrumentor told of which no gaps are declared, as another's or a framework's own, is
    `held` against the fidelity table. `took_s` is the time of its sorties, one after the other, in
    seconds.
    """

    cell: Cell
    environment: Environment | None
    why_not: str
    rows: tuple[Row, ...]
    gaps: tuple[Reconciled, ...]
    took_s: float
    held: tuple[Held, ...] = ()

    @property
    def troubles(self) -> tuple[str, ...]:
        """A sentence for each reason for which the cell does not pass."""
        return tuple(self._troubles())

    @property
    def passed(self) -> bool:
        return not self.troubles

    def _troubles(self) -> Iterator[str]:
        if self.why_not and not self.cell.conflict:
            yield f"could not be installed: {self.why_not}"
        if self.cell.conflict and not self.why_not:
            yield (
                "could be installed, and is declared to be in conflict with itself:"
                " strike `conflict` out in integrations/environments/declared_environments.py"
            )
        for each in self.gaps:
            yield from each.troubles
        for told in self.held:
            yield from told.troubles
        if self.cell.locked:
            yield from self._unlike_golden()

    def _unlike_golden(self) -> Iterator[str]:
        """The goldens are of the locks' own cells; in others a tree may differ, and it is told."""
        told = {
            "have no golden": [row for row in self.rows if row.without_golden],
            "are not as their goldens": [row for row in self.rows if self._unlike(row)],
        }
        for how, rows in told.items():
            names = dict.fromkeys(f"{row.case.framework}/{row.case.name}" for row in rows)
            if names:
                yield f"{', '.join(names)} {how}: if it is right, python -m integrations accept"

    def _unlike(self, row: Row) -> bool:
        """What is asked is golden as it is under ours: another's instrumentor may change it."""
        return bool(row.edits or (row.drifts and row.instrumentor in DECLARED))


def matrix(
    cells: Iterable[Cell],
    cases: Sequence[Case],
    known: Sequence[Gap],
    progress: Progress,
    table: Table = NO_TABLE,
) -> Generator[Flown]:
    """Build all the cells, fly the cases in them, and hold what is seen against what is known: the
    gaps, and of instrumentors without declared ones the fidelity `table`.

    A cell comes as soon as it and those before it are done. Whoever stops early, as by Ctrl-C, does
    not wait: the children are ended.
    """
    tower = Tower(progress)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            stand = list(pool.map(partial(stood, progress=progress), cells))
            flying = [
                [pool.submit(tower.flown, each) for each in _sorties(s, cases)] for s in stand
            ]
            for one, its in zip(stand, flying, strict=True):
                yield _flown(one, [each.result() for each in its], known, table)
        finally:
            tower.close()
            pool.shutdown(cancel_futures=True)


def _sorties(of: Stood, cases: Sequence[Case]) -> Iterator[Sortie]:
    if of.environment is None:
        return
    for its in by_framework(cases, of.cell.frameworks):
        for instrumentor in of.cell.instrumentors:
            yield Sortie(of.cell.name, of.environment.python, instrumentor, its)


def _flown(of: Stood, landed: Sequence[Landed], known: Sequence[Gap], table: Table) -> Flown:
    declared = [each for each in landed if each.sortie.instrumentor in DECLARED]
    others = [each for each in landed if each.sortie.instrumentor not in DECLARED]
    return Flown(
        of.cell,
        of.environment,
        of.why_not,
        rows=tuple(row for each in landed for row in each.rows),
        gaps=tuple(_reconciled(each, of.packages, known) for each in declared),
        took_s=sum(each.took_s for each in landed),
        held=tuple(_held(each, of.cell, table) for each in others),
    )


def _reconciled(landed: Landed, packages: Mapping[str, str], known: Sequence[Gap]) -> Reconciled:
    counts = {row.case.name: row.counts for row in landed.rows}
    return reconcile(landed.sortie.framework, landed.sortie.instrumentor, packages, counts, known)


def _held(landed: Landed, cell: Cell, table: Table) -> Held:
    return held(cell, landed.sortie.framework, landed.sortie.instrumentor, landed.rows, table)
