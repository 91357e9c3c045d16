"""Totals: of all that happened in the cases of a column, how much it tells, measure by measure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from integrations.fidelity.table_entry import Entry
from integrations.measures.fidelity_counts import Counted

NONE_DUE = "–"
MEASURES = tuple(field.name for field in fields(Counted))


@dataclass(frozen=True)
class Total:
    """`told` of what happened, without what is told `besides`: doubled, or never happened.

    Of what is `amiss` nothing should be told at all.
    """

    happened: int
    told: int
    besides: int
    amiss: bool = False

    def __str__(self) -> str:
        """A share, which is 100% for all alone, and none of nothing; of what is amiss, a number."""
        if self.amiss:
            return str(self.besides)
        share = f"{100 * self.told // self.happened}%" if self.happened else NONE_DUE
        return f"{share} +{self.besides}" if self.besides else share


def totals(entries: Iterable[Entry]) -> Iterator[tuple[str, Total]]:
    """For each measure the total of all the entries that were counted."""
    every = list(entries)
    for measure in MEASURES:
        counts = [entry.counts[measure] for entry in every if measure in entry.counts]
        yield (
            measure,
            Total(
                sum(count.ledger for count in counts),
                sum(min(count.ledger, count.trace) for count in counts),
                sum(max(count.trace - count.ledger, 0) for count in counts),
                amiss=measure == "leaks",
            ),
        )


def whole(entries: Iterable[Entry]) -> str:
    """Of how many cases all is told."""
    due = [entry for entry in entries if not entry.none]
    return f"{sum(entry.whole for entry in due)}/{len(due)}" if due else NONE_DUE
