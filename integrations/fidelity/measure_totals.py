"""Totals: of all that happened in the cases of a column, how much it tells, measure by measure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from integrations.fidelity.table_entry import TableEntry
from integrations.measures.run_counts import RunCounts

NOT_MEASURED = "–"
MEASURES = tuple(field.name for field in fields(RunCounts))


@dataclass(frozen=True)
class MeasureTotal:
    """`told` of what happened, without what is told `besides`: doubled, or never happened.

    Of what is `amiss` nothing should be told at all.
    """

    happened: int
    recorded: int
    excess: int
    is_unwanted: bool = False

    def __str__(self) -> str:
        """A share, which is 100% for all alone, and none of nothing; of what is amiss, a number."""
        if self.is_unwanted:
            return str(self.excess)
        share = f"{100 * self.recorded // self.happened}%" if self.happened else NOT_MEASURED
        return f"{share} +{self.excess}" if self.excess else share


def measure_totals(entries: Iterable[TableEntry]) -> Iterator[tuple[str, MeasureTotal]]:
    """For each measure the total of all the entries that were counted."""
    every = list(entries)
    for measure in MEASURES:
        counts = [entry.counts[measure] for entry in every if measure in entry.counts]
        yield (
            measure,
            MeasureTotal(
                sum(count.ledger for count in counts),
                sum(min(count.ledger, count.trace) for count in counts),
                sum(max(count.trace - count.ledger, 0) for count in counts),
                is_unwanted=measure == "leaks",
            ),
        )


def complete_share(entries: Iterable[TableEntry]) -> str:
    """Of how many cases all is told."""
    due = [entry for entry in entries if not entry.not_applicable]
    return f"{sum(entry.is_complete for entry in due)}/{len(due)}" if due else NOT_MEASURED
