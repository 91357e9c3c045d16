"""Held: what an instrumentor without declared gaps tells in a cell, against the kept table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from integrations.environments.environment_spec import Cell
from integrations.fidelity.fidelity_table import Table
from integrations.fidelity.table_entry import Entry, entry
from integrations.gaps.gap import FLIGHT
from integrations.gaps.reconciliation import listed
from integrations.runner.case_result import Row
from scenarios.player.fidelity import Count

Way = Literal["worse", "better", "otherwise"]


@dataclass(frozen=True)
class Unlike:
    """A measure of a case, as it is told `now` and in the `table`; None is "not counted"."""

    way: Way
    case: str
    measure: str
    now: Count | None
    table: Count | None

    def __str__(self) -> str:
        told = _went if self.measure == FLIGHT else _told
        return f"{self.case} ({told(self.now)}, and the table says {told(self.table)})"


@dataclass(frozen=True)
class Held:
    """What came of it, for one framework under one instrumentor in a cell."""

    cell: Cell
    framework: str
    instrumentor: str
    unlike: tuple[Unlike, ...]

    @property
    def troubles(self) -> tuple[str, ...]:
        """A sentence for each measure that does not agree, and what mends it."""
        return tuple(self._troubles())

    def _troubles(self) -> Iterator[str]:
        found: dict[tuple[Way, str], list[str]] = {}
        for each in self.unlike:
            found.setdefault((each.way, each.measure), []).append(str(each))
        for (way, measure), cases in found.items():
            yield (
                f"{way} than the fidelity table: {self.framework}, {self.instrumentor}: {measure}"
                f" of {listed(cases)}; {self._to_do(way)}"
            )

    def _to_do(self, way: Way) -> str:
        if self.cell.locked:
            return "if that is right: make fidelity, and read the diff"
        renew = f"once it is released, {self.cell.base.renewal}, and make fidelity"
        return renew if way == "better" else f"mend it; or, if it is to be so, {renew}"


def held(cell: Cell, framework: str, instrumentor: str, rows: Iterable[Row], table: Table) -> Held:
    """Hold what is seen of these cases against their entries in the table.

    In versions that are not the table's, what is whole in both is alike, however much of it
    happened; and a case that is not there in them is not compared.
    """
    found = (
        each
        for row in rows
        if cell.locked or not row.absent
        for each in _unlike(
            row.case.name,
            _counts(entry(row)),
            _counts(table.entries.get((framework, row.case.name, instrumentor), Entry())),
            cell.locked,
        )
    )
    return Held(cell, framework, instrumentor, tuple(found))


def _counts(of: Entry) -> Mapping[str, Count]:
    return {FLIGHT: Count(1, 0)} if of.trouble else of.counts


def _unlike(
    case: str, now: Mapping[str, Count], table: Mapping[str, Count], locked: bool
) -> Iterator[Unlike]:
    if (FLIGHT in now) != (FLIGHT in table):
        flies: Way = "worse" if FLIGHT in now else "better"
        yield Unlike(flies, case, FLIGHT, now.get(FLIGHT), table.get(FLIGHT))
        return
    for measure in dict.fromkeys((*table, *now)):
        seen, was = now.get(measure), table.get(measure)
        if seen != was and (way := _way(seen, was, locked)):
            yield Unlike(way, case, measure, seen, was)


def _way(now: Count | None, table: Count | None, locked: bool) -> Way | None:
    """How they differ, and None where that is due to what happened. Where it is not the same that
    happened, only whether it is whole can be compared."""
    if now is None or table is None:
        return "otherwise"
    if now.ledger == table.ledger:
        here, there = abs(now.trace - now.ledger), abs(table.trace - table.ledger)
    else:
        here, there = not now.whole, not table.whole
    if here == there:
        return "otherwise" if locked else None
    return "worse" if here > there else "better"


def _told(count: Count | None) -> str:
    return f"{count.trace}/{count.ledger}" if count else "not counted"


def _went(count: Count | None) -> str:
    return "went otherwise than the case says" if count else "went as the case says"
