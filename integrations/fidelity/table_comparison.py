"""Compare an instrumentor's results in any environment with the stored fidelity table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.fidelity_table import FidelityTable, TableEntry, entry_from_result
from integrations.gaps.gap import OUTCOME
from integrations.gaps.reconciliation import join_limited
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

Direction = Literal["worse", "better", "different"]


@dataclass(frozen=True)
class TableDifference:
    """A measure of a case that differs between a run and the table; None means "not counted"."""

    direction: Direction
    case: str
    measure: str
    measured: FidelityCount | None
    stored: FidelityCount | None

    def __str__(self) -> str:
        describe = _describe_outcome if self.measure == OUTCOME else format_count
        return f"{self.case} ({describe(self.measured)}; the table has {describe(self.stored)})"


@dataclass(frozen=True)
class TableComparison:
    """The differences for one framework under one instrumentor in one environment."""

    spec: EnvironmentSpec
    framework: str
    instrumentor: str
    differences: tuple[TableDifference, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each measure that differs, with the way to resolve it."""
        return tuple(self._find_problems())

    def _find_problems(self) -> Iterator[str]:
        grouped: dict[tuple[Direction, str], list[str]] = {}
        for each in self.differences:
            grouped.setdefault((each.direction, each.measure), []).append(str(each))
        for (direction, measure), cases in grouped.items():
            relation = "different from" if direction == "different" else f"{direction} than"
            yield (
                f"{relation} the fidelity table: {self.framework}, {self.instrumentor}: {measure}"
                f" of {join_limited(cases)}; {self._suggested_fix(direction)}"
            )

    def _suggested_fix(self, direction: Direction) -> str:
        if self.spec.is_locked:
            return "if this is intended, run make fidelity and review the diff"
        update = f"{self.spec.lock_file.update_instructions}, and run make fidelity"
        if direction == "better":
            return f"once it is released, {update}"
        return f"fix it; or, if this is intended, once it is released, {update}"


def compare_with_table(
    spec: EnvironmentSpec,
    framework: str,
    instrumentor: str,
    results: Iterable[CaseResult],
    table: FidelityTable,
) -> TableComparison:
    """Compare results with their entries in the table.

    In versions other than the table's, entries that are complete on both sides are equal, even if
    different numbers of things happened, and unsupported cases are not compared.
    """
    differences = (
        difference
        for result in results
        if spec.is_locked or not result.unsupported
        for difference in _differences(
            result.case.name,
            _counts(entry_from_result(result)),
            _counts(table.entries.get((framework, result.case.name, instrumentor), TableEntry())),
            spec.is_locked,
        )
    )
    return TableComparison(spec, framework, instrumentor, tuple(differences))


def _counts(entry: TableEntry) -> Mapping[str, FidelityCount]:
    return {OUTCOME: FidelityCount(1, 0)} if entry.problem else entry.counts


def _differences(
    case: str,
    measured: Mapping[str, FidelityCount],
    stored: Mapping[str, FidelityCount],
    is_locked: bool,
) -> Iterator[TableDifference]:
    if (OUTCOME in measured) != (OUTCOME in stored):
        outcome: Direction = "worse" if OUTCOME in measured else "better"
        yield TableDifference(outcome, case, OUTCOME, measured.get(OUTCOME), stored.get(OUTCOME))
        return
    for measure in dict.fromkeys((*stored, *measured)):
        new, old = measured.get(measure), stored.get(measure)
        if new != old and (direction := _direction(new, old, is_locked)):
            yield TableDifference(direction, case, measure, new, old)


def _direction(
    measured: FidelityCount | None, stored: FidelityCount | None, is_locked: bool
) -> Direction | None:
    """Return how two counts differ; None if only what happened differs.

    If different numbers of things happened, only completeness can be compared.
    """
    if measured is None or stored is None:
        return "different"
    if measured.ledger == stored.ledger:
        new_error = abs(measured.trace - measured.ledger)
        old_error = abs(stored.trace - stored.ledger)
    else:
        new_error, old_error = int(not measured.is_equal), int(not stored.is_equal)
    if new_error == old_error:
        return "different" if is_locked else None
    return "worse" if new_error > old_error else "better"


def format_count(count: FidelityCount | None) -> str:
    """A count as in "1/2", recorded of happened."""
    return f"{count.trace}/{count.ledger}" if count else "not counted"


def _describe_outcome(count: FidelityCount | None) -> str:
    return "an unexpected outcome" if count else "the expected outcome"
