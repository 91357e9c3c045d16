"""The fidelity table: what each instrumentor records of each case, with its totals."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from integrations.gaps.gap import OUTCOME
from integrations.measures.run_counts import MEASURES
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

COMPLETE = "complete"
NOTHING_RECORDED = "nothing"
NOT_APPLICABLE = "none"
DIFFERENT_OUTCOME = "different outcome"

EntryKey = tuple[str, str, str]
"""Framework, case, instrumentor."""

NOT_MEASURED = "–"


@dataclass(frozen=True)
class TableEntry:
    """The counts of a case by measure, or the reason why there are none.

    Attributes:
        counts: Happened and recorded, by measure.
        not_applicable: Why nothing is expected to be recorded.
        problem: How the run differs from the ground truth of its case, because of the instrumentor.
    """

    counts: Mapping[str, FidelityCount] = field(default_factory=dict)
    not_applicable: str = ""
    problem: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether everything that happened was recorded, once."""
        return not self.not_applicable and not self.problem and not self.incomplete_counts

    @property
    def incomplete_counts(self) -> dict[str, FidelityCount]:
        """The counts whose two numbers differ, by measure."""
        return {name: count for name, count in self.counts.items() if not count.is_equal}

    @property
    def summary(self) -> tuple[str, ...]:
        """One word, or a short text for each incomplete measure."""
        if self.not_applicable or self.problem:
            return (NOT_APPLICABLE if self.not_applicable else DIFFERENT_OUTCOME,)
        if self.incomplete_counts and not any(count.trace for count in self.counts.values()):
            return (NOTHING_RECORDED,)
        return tuple(self._incomplete_measures()) or (COMPLETE,)

    def _incomplete_measures(self) -> Iterator[str]:
        for measure, count in self.incomplete_counts.items():
            of_ledger = f"/{count.ledger}" if count.ledger else ""
            yield f"{measure} {count.trace}{of_ledger}"


def entry_from_result(result: CaseResult) -> TableEntry:
    """Return the entry of a case that was run."""
    if OUTCOME in result.counts:
        return TableEntry(problem=result.problem.partition("\n")[0])
    return TableEntry(result.counts, not_applicable=result.unsupported)


@dataclass(frozen=True)
class FidelityTable:
    """The table.

    Attributes:
        versions: Package versions, by instrumentor and package.
        titles: Titles of the cases, by framework and case, in the order of the rows.
    """

    versions: Mapping[str, Mapping[str, str]]
    titles: Mapping[str, Mapping[str, str]]
    entries: Mapping[EntryKey, TableEntry]

    def entries_of(self, instrumentor: str) -> Iterator[TableEntry]:
        return (each for (_, _, name), each in self.entries.items() if name == instrumentor)


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
