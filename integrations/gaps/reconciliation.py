"""Reconciled: the gaps that are seen, held against those that are declared, both ways."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from integrations.gaps.gap import FLIGHT, Counts, Gap, Missed, observed
from scenarios.player.fidelity import Count

LISTED = 6
"""How many cases a sentence has room for."""


@dataclass(frozen=True)
class Reconciled:
    """What came of it, for one framework under one instrumentor.

    `known` are the declared gaps, each with what is seen of it; `undeclared` is seen, and no gap
    says so; `mended` is declared, and no longer seen.
    """

    framework: str
    instrumentor: str
    packages: Mapping[str, str]
    counts: Counts
    known: Mapping[Gap, frozenset[Missed]]
    undeclared: frozenset[Missed]
    mended: Mapping[Gap, frozenset[Missed]]

    @property
    def troubles(self) -> tuple[str, ...]:
        """A sentence for each thing that does not agree, and what mends it."""
        return (*self._undeclared(), *self._mended())

    def _undeclared(self) -> Iterator[str]:
        by_measure: dict[str, list[str]] = {}
        for case, measure in sorted(self.undeclared):
            by_measure.setdefault(measure, []).append(case)
        for measure, cases in by_measure.items():
            missed = self._missed(measure, cases)
            yield (
                f"undeclared: {self.framework}, {self.instrumentor}: {missed};"
                " mend it, or declare it in integrations/gaps/known with its upstream reference"
            )

    def _missed(self, measure: str, cases: list[str]) -> str:
        if measure == FLIGHT:
            return f"{listed(cases)} went otherwise than the case says"
        told = (f"{case} ({_told(self.counts[case][measure])})" for case in cases)
        return f"{measure} of {listed(told)}"

    def _mended(self) -> Iterator[str]:
        for gap, missed in self.mended.items():
            told = listed(f"{case} ({measure})" for case, measure in sorted(missed))
            versions = ", ".join(f"{name} {self.packages[name]}" for name in gap.versions)
            yield (
                f"mended upstream: {gap.name}, {self.instrumentor}, is not seen with {versions}"
                f" in {told}; {self._to_do(gap)}"
            )

    def _to_do(self, gap: Gap) -> str:
        if self.known.get(gap):
            return "narrow its cases in integrations/gaps/known"
        deleted = f"delete the patch {gap.patch}, or bound its versions, and" if gap.patch else ""
        return (
            f"{deleted} delete this gap, or bound its versions, in integrations/gaps/known".strip()
        )


def reconcile(
    framework: str,
    instrumentor: str,
    packages: Mapping[str, str],
    counts: Counts,
    declared: Iterable[Gap],
) -> Reconciled:
    """Hold what is seen in these cases, with these versions, against what is declared of them."""
    seen = observed(counts)
    here = [gap for gap in declared if gap.concerns(framework, instrumentor, packages)]
    silent = [gap for gap in here if gap.silences]
    expected = {gap: gap.expected(counts) for gap in silent or here}
    return Reconciled(
        framework,
        instrumentor,
        packages,
        counts,
        known={gap: due & seen for gap, due in expected.items() if due & seen},
        undeclared=seen.difference(*expected.values()),
        mended={gap: due - seen for gap, due in expected.items() if due - seen},
    )


def _told(count: Count) -> str:
    return f"{count.trace} of {count.ledger}"


def listed(each: Iterable[str]) -> str:
    """As many as a sentence has room for, and how many more there are."""
    every = list(each)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + more
