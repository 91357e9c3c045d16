"""An entry of the fidelity table: the counts of one case under one instrumentor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from integrations.gaps.gap import OUTCOME
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

COMPLETE = "complete"
NOTHING_RECORDED = "nothing"
NOT_APPLICABLE = "none"
DIFFERENT_OUTCOME = "different outcome"


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
