"""A sortie: the cases of one framework, flown under one instrumentor in one cell's environment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from threading import Lock
from time import perf_counter

from integrations.cases.case import Case
from integrations.goldens.golden_file import Golden, place, read
from integrations.instrumentors.registry import BY_NAME
from integrations.runner.case_process import Child
from integrations.runner.case_result import Row, row
from integrations.runner.case_run import Flight, flown

Progress = Callable[[str], None]
"""Is told a line of what has just ended."""


@dataclass(frozen=True)
class Sortie:
    """What is to be flown: all `cases` are of one framework."""

    cell: str
    python: Path
    instrumentor: str
    cases: tuple[Case, ...]

    @property
    def framework(self) -> str:
        return self.cases[0].framework

    @property
    def lacks(self) -> str:
        """Why nothing is told of the framework, where there is nothing to be turned on."""
        return BY_NAME[self.instrumentor].lacks.get(self.framework, "")


@dataclass(frozen=True)
class Landed:
    """What came of one, and how long it took, in seconds."""

    sortie: Sortie
    rows: tuple[Row, ...]
    took_s: float


def by_framework(cases: Sequence[Case], wanted: Sequence[str]) -> Iterator[tuple[Case, ...]]:
    """The cases of each framework that is wanted."""
    for framework, its in groupby(cases, key=lambda case: case.framework):
        if framework in wanted:
            yield tuple(its)


class Tower:
    """Lets sorties fly, from whatever thread, and ends them all at once."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._children: list[Child] = []
        self._closed, self._lock = False, Lock()

    def flown(self, sortie: Sortie) -> Landed:
        """Fly it; of one that is ended, the rows until then."""
        began, rows = perf_counter(), []
        for flight in self._flights(sortie):
            if self._closed:
                break
            rows.append(row(flight, _golden(flight.case)))
        landed = Landed(sortie, tuple(rows), perf_counter() - began)
        if not self._closed:  # else it has not landed
            self._progress(_line(landed))
        return landed

    def _flights(self, sortie: Sortie) -> Iterator[Flight]:
        if not sortie.lacks:
            return flown(sortie.python, sortie.instrumentor, sortie.cases, self._started)
        return (Flight(case, sortie.instrumentor, absent=sortie.lacks) for case in sortie.cases)

    def close(self) -> None:
        """End all that flies; nothing starts any more."""
        with self._lock:
            self._closed = True
            for each in self._children:
                each.process.kill()

    def _started(self, child: Child) -> None:
        with self._lock:
            self._children.append(child)
            if self._closed:
                child.process.kill()


def _golden(case: Case) -> Golden | None:
    """None where none was accepted yet. Raises `NoGolden` where it is none."""
    path = place(case.framework, case.name)
    return read(path) if path.is_file() else None


def _line(landed: Landed) -> str:
    sortie, rows = landed.sortie, landed.rows
    absent = [each for each in rows if each.absent]
    whole = sum(each.whole for each in rows if not each.absent)
    told = (
        f"{whole} of {len(rows) - len(absent)} cases whole"
        if len(absent) < len(rows)
        else absent[0].absent
    )
    where = f"{sortie.cell}: {sortie.framework}, {sortie.instrumentor}"
    return f"{where}: {told} ({landed.took_s:.0f} s)"
