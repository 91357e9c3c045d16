"""An entry of the fidelity table: what one column tells of one case, counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from integrations.gaps.gap import FLIGHT
from integrations.runner.case_result import Row
from scenarios.player.fidelity import Count

NOTHING = "nothing"
WHOLE = "whole"
NONE = "none"


@dataclass(frozen=True)
class Entry:
    """`counts` are by measure. Without them `none` says why there are none to expect, or `trouble`
    why the case went otherwise than it says, which is the instrumentor's doing."""

    counts: Mapping[str, Count] = field(default_factory=dict)
    none: str = ""
    trouble: str = ""

    @property
    def whole(self) -> bool:
        """All that happened is told, and nothing besides."""
        return not self.none and not self.trouble and not self.missed

    @property
    def missed(self) -> dict[str, Count]:
        """What is told otherwise than it was, by measure."""
        return {name: count for name, count in self.counts.items() if not count.whole}

    @property
    def says(self) -> tuple[str, ...]:
        """In a few words: one that is enough, or for each measure that is not whole its own."""
        if self.none or self.trouble:
            return (NONE if self.none else "went otherwise",)
        if self.missed and not any(count.trace for count in self.counts.values()):
            return (NOTHING,)
        return tuple(self._says()) or (WHOLE,)

    def _says(self) -> Iterator[str]:
        for measure, count in self.missed.items():
            yield (
                f"{measure} {count.trace}/{count.ledger}"
                if count.ledger
                else (f"{measure} {count.trace}")
            )


def entry(row: Row) -> Entry:
    """That of a case that was flown."""
    if FLIGHT in row.counts:
        return Entry(trouble=row.trouble.partition("\n")[0])
    return Entry(row.counts, none=row.absent)
