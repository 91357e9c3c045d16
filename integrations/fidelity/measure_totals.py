"""Sums up the fidelity table: for each measure, the share that an instrumentor records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from integrations.fidelity.table_entry import TableEntry
from integrations.measures.run_counts import MEASURES

NOT_MEASURED = "–"


@dataclass(frozen=True)
class MeasureTotal:
    """The total of a measure.

    Attributes:
        happened: How often it happened.
        recorded: How many of these were recorded.
        excess: How many more were recorded: doubled, or never happened.
        is_unwanted: Whether nothing should be recorded at all, as of leaks.
    """

    happened: int
    recorded: int
    excess: int
    is_unwanted: bool = False

    def __str__(self) -> str:
        """Return a percentage, rounded down, and the excess; of unwanted measures the number."""
        if self.is_unwanted:
            return str(self.excess)
        share = f"{100 * self.recorded // self.happened}%" if self.happened else NOT_MEASURED
        return f"{share} +{self.excess}" if self.excess else share


def measure_totals(entries: Iterable[TableEntry]) -> Iterator[tuple[str, MeasureTotal]]:
    """Yield each measure with its total over all entries that were counted."""
    entries = list(entries)
    for measure in MEASURES:
        counts = [entry.counts[measure] for entry in entries if measure in entry.counts]
        total = MeasureTotal(
            happened=sum(count.ledger for count in counts),
            recorded=sum(min(count.ledger, count.trace) for count in counts),
            excess=sum(max(count.trace - count.ledger, 0) for count in counts),
            is_unwanted=measure == "leaks",
        )
        yield measure, total


def complete_share(entries: Iterable[TableEntry]) -> str:
    """Return how many entries are complete, as in "12/16"."""
    applicable = [entry for entry in entries if not entry.not_applicable]
    complete = sum(entry.is_complete for entry in applicable)
    return f"{complete}/{len(applicable)}" if applicable else NOT_MEASURED
