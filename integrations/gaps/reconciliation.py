"""Reconciled: the gaps that are seen, held against those that are declared, both ways."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from integrations.gaps.gap import OUTCOME, CaseMeasure, CountsByCase, Gap, observed_misses
from scenarios.player.fidelity import FidelityCount

MAX_LISTED = 6
"""How many cases a sentence has room for."""


@dataclass(frozen=True)
class GapReconciliation:
    """What came of it, for one framework under one instrumentor.

    `known` are the declared gaps, each with what is seen of it; `undeclared` is seen, and no gap
    says so; `mended` is declared, and no longer seen.
    """

    framework: str
    instrumentor: str
    packages: Mapping[str, str]
    counts: CountsByCase
    known: Mapping[Gap, frozenset[CaseMeasure]]
    undeclared: frozenset[CaseMeasure]
    fixed: Mapping[Gap, frozenset[CaseMeasure]]

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each thing that does not agree, and what mends it."""
        return (*self._undeclared_problems(), *self._fixed_problems())

    def _undeclared_problems(self) -> Iterator[str]:
        by_measure: dict[str, list[str]] = {}
        for case, measure in sorted(self.undeclared):
            by_measure.setdefault(measure, []).append(case)
        for measure, cases in by_measure.items():
            missed = self._describe_misses(measure, cases)
            yield (
                f"undeclared: {self.framework}, {self.instrumentor}: {missed};"
                " mend it, or declare it in integrations/gaps/known with its upstream reference"
            )

    def _describe_misses(self, measure: str, cases: list[str]) -> str:
        if measure == OUTCOME:
            return f"{join_limited(cases)} went otherwise than the case says"
        told = (f"{case} ({_format_count(self.counts[case][measure])})" for case in cases)
        return f"{measure} of {join_limited(told)}"

    def _fixed_problems(self) -> Iterator[str]:
        for gap, missed in self.fixed.items():
            told = join_limited(f"{case} ({measure})" for case, measure in sorted(missed))
            versions = ", ".join(f"{name} {self.packages[name]}" for name in gap.versions)
            yield (
                f"mended upstream: {gap.name}, {self.instrumentor}, is not seen with {versions}"
                f" in {told}; {self._suggested_fix(gap)}"
            )

    def _suggested_fix(self, gap: Gap) -> str:
        if self.known.get(gap):
            return "narrow its cases in integrations/gaps/known"
        deleted = f"delete the patch {gap.patch}, or bound its versions, and" if gap.patch else ""
        return (
            f"{deleted} delete this gap, or bound its versions, in integrations/gaps/known".strip()
        )


def reconcile_gaps(
    framework: str,
    instrumentor: str,
    packages: Mapping[str, str],
    counts: CountsByCase,
    declared: Iterable[Gap],
) -> GapReconciliation:
    """Hold what is seen in these cases, with these versions, against what is declared of them."""
    seen = observed_misses(counts)
    here = [gap for gap in declared if gap.applies_to(framework, instrumentor, packages)]
    silent = [gap for gap in here if gap.hides_other_gaps]
    expected = {gap: gap.expected_misses(counts) for gap in silent or here}
    return GapReconciliation(
        framework,
        instrumentor,
        packages,
        counts,
        known={gap: due & seen for gap, due in expected.items() if due & seen},
        undeclared=seen.difference(*expected.values()),
        fixed={gap: due - seen for gap, due in expected.items() if due - seen},
    )


def _format_count(count: FidelityCount) -> str:
    return f"{count.trace} of {count.ledger}"


def join_limited(items: Iterable[str]) -> str:
    """As many as a sentence has room for, and how many more there are."""
    every = list(items)
    more = f" and {len(every) - MAX_LISTED} more" if len(every) > MAX_LISTED else ""
    return ", ".join(every[:MAX_LISTED]) + more
