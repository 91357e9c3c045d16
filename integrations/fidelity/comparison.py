"""Held: what an instrumentor without declared gaps tells in a cell, against the kept table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.table_entry import TableEntry, entry_from_result
from integrations.gaps.gap import OUTCOME
from integrations.gaps.reconciliation import join_limited
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

Direction = Literal["worse", "better", "otherwise"]


@dataclass(frozen=True)
class TableDifference:
    """A measure of a case, as it is told `now` and in the `table`; None is "not counted"."""

    direction: Direction
    case: str
    measure: str
    measured: FidelityCount | None
    stored: FidelityCount | None

    def __str__(self) -> str:
        told = _format_outcome if self.measure == OUTCOME else _format_count
        return f"{self.case} ({told(self.measured)}, and the table says {told(self.stored)})"


@dataclass(frozen=True)
class TableComparison:
    """What came of it, for one framework under one instrumentor in a cell."""

    spec: EnvironmentSpec
    framework: str
    instrumentor: str
    differences: tuple[TableDifference, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each measure that does not agree, and what mends it."""
        return tuple(self._find_problems())

    def _find_problems(self) -> Iterator[str]:
        found: dict[tuple[Direction, str], list[str]] = {}
        for each in self.differences:
            found.setdefault((each.direction, each.measure), []).append(str(each))
        for (way, measure), cases in found.items():
            yield (
                f"{way} than the fidelity table: {self.framework}, {self.instrumentor}: {measure}"
                f" of {join_limited(cases)}; {self._suggested_fix(way)}"
            )

    def _suggested_fix(self, direction: Direction) -> str:
        if self.spec.is_locked:
            return "if that is right: make fidelity, and read the diff"
        renew = f"once it is released, {self.spec.lock_file.update_instructions}, and make fidelity"
        return renew if direction == "better" else f"mend it; or, if it is to be so, {renew}"


def compare_with_table(
    spec: EnvironmentSpec,
    framework: str,
    instrumentor: str,
    results: Iterable[CaseResult],
    table: FidelityTable,
) -> TableComparison:
    """Hold what is seen of these cases against their entries in the table.

    In versions that are not the table's, what is whole in both is alike, however much of it
    happened; and a case that is not there in them is not compared.
    """
    found = (
        each
        for row in results
        if spec.is_locked or not row.unsupported
        for each in _differences(
            row.case.name,
            _counts(entry_from_result(row)),
            _counts(table.entries.get((framework, row.case.name, instrumentor), TableEntry())),
            spec.is_locked,
        )
    )
    return TableComparison(spec, framework, instrumentor, tuple(found))


def _counts(entry: TableEntry) -> Mapping[str, FidelityCount]:
    return {OUTCOME: FidelityCount(1, 0)} if entry.problem else entry.counts


def _differences(
    case: str,
    measured: Mapping[str, FidelityCount],
    stored: Mapping[str, FidelityCount],
    locked: bool,
) -> Iterator[TableDifference]:
    if (OUTCOME in measured) != (OUTCOME in stored):
        flies: Direction = "worse" if OUTCOME in measured else "better"
        yield TableDifference(flies, case, OUTCOME, measured.get(OUTCOME), stored.get(OUTCOME))
        return
    for measure in dict.fromkeys((*stored, *measured)):
        seen, was = measured.get(measure), stored.get(measure)
        if seen != was and (way := _direction(seen, was, locked)):
            yield TableDifference(way, case, measure, seen, was)


def _direction(
    measured: FidelityCount | None, stored: FidelityCount | None, locked: bool
) -> Direction | None:
    """How they differ, and None where that is due to what happened. Where it is not the same that
    happened, only whether it is whole can be compared."""
    if measured is None or stored is None:
        return "otherwise"
    if measured.ledger == stored.ledger:
        here, there = abs(measured.trace - measured.ledger), abs(stored.trace - stored.ledger)
    else:
        here, there = not measured.is_equal, not stored.is_equal
    if here == there:
        return "otherwise" if locked else None
    return "worse" if here > there else "better"


def _format_count(count: FidelityCount | None) -> str:
    return f"{count.trace}/{count.ledger}" if count else "not counted"


def _format_outcome(count: FidelityCount | None) -> str:
    return "went otherwise than the case says" if count else "went as the case says"
