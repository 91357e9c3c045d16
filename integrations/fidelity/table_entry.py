"""An entry of the fidelity table: what one column tells of one case, counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from integrations.gaps.gap import OUTCOME
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

NOTHING_RECORDED = "nothing"
COMPLETE = "whole"
NOT_APPLICABLE = "none"


@dataclass(frozen=True)
class TableEntry:
    """`counts` are by measure. Without them `none` says why there are none to expect, or `trouble`
    why the case went otherwise than it says, which is the instrumentor's doing."""

    counts: Mapping[str, FidelityCount] = field(default_factory=dict)
    not_applicable: str = ""
    problem: str = ""

    @property
    def is_complete(self) -> bool:
        """All that happened is told, and nothing besides."""
        return not self.not_applicable and not self.problem and not self.incomplete_counts

    @property
    def incomplete_counts(self) -> dict[str, FidelityCount]:
        """What is told otherwise than it was, by measure."""
        return {name: count for name, count in self.counts.items() if not count.is_equal}

    @property
    def summary(self) -> tuple[str, ...]:
        """In a few words: one that is enough, or for each measure that is not whole its own."""
        if self.not_applicable or self.problem:
            return (NOT_APPLICABLE if self.not_applicable else "went otherwise",)
        if self.incomplete_counts and not any(count.trace for count in self.counts.values()):
            return (NOTHING_RECORDED,)
        return tuple(self._describe_incomplete()) or (COMPLETE,)

    def _describe_incomplete(self) -> Iterator[str]:
        for measure, count in self.incomplete_counts.items():
            yield (
                f"{measure} {count.trace}/{count.ledger}"
                if count.ledger
                else (f"{measure} {count.trace}")
            )


def entry_from_result(result: CaseResult) -> TableEntry:
    """That of a case that was flown."""
    if OUTCOME in result.counts:
        return TableEntry(problem=result.problem.partition("\n")[0])
    return TableEntry(result.counts, not_applicable=result.unsupported)
