"""Compare observed gaps with declared ones: each observed gap must be declared, and vice versa."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from integrations.gaps.gap import OUTCOME, CaseMeasure, CountsByCase, Gap, observed_misses


@dataclass(frozen=True)
class GapReconciliation:
    """The comparison for one framework under one instrumentor.

    Attributes:
        known: Declared gaps, each with what was observed of it.
        undeclared: What was observed and is not declared.
        fixed: Declared gaps, each with what is no longer observed of it.
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
        """A sentence for each difference, with the way to resolve it."""
        return (*self._undeclared_problems(), *self._fixed_problems())

    def _undeclared_problems(self) -> Iterator[str]:
        by_measure: dict[str, list[str]] = {}
        for case, measure in sorted(self.undeclared):
            by_measure.setdefault(measure, []).append(case)
        for measure, cases in by_measure.items():
            misses = self._describe_misses(measure, cases)
            yield (
                f"undeclared gap: {self.framework}, {self.instrumentor}: {misses};"
                " fix it, or declare it in integrations/gaps with its upstream reference"
            )

    def _describe_misses(self, measure: str, cases: list[str]) -> str:
        if measure == OUTCOME:
            return f"the run differs from the ground truth of {join_limited(cases)}"
        counts = (f"{case} ({self.counts[case][measure]})" for case in cases)
        return f"{measure} of {join_limited(counts)}"

    def _fixed_problems(self) -> Iterator[str]:
        for gap, misses in self.fixed.items():
            where = join_limited(f"{case} ({measure})" for case, measure in sorted(misses))
            versions = ", ".join(f"{name} {self.packages[name]}" for name in gap.versions)
            yield (
                f"fixed upstream: {gap.name}, {self.instrumentor}, does not occur with {versions}"
                f" in {where}; {self._suggested_fix(gap)}"
            )

    def _suggested_fix(self, gap: Gap) -> str:
        if self.known.get(gap):
            return "remove these cases from it in integrations/gaps"
        patch = f"delete the patch {gap.patch}, or limit its versions, and " if gap.patch else ""
        return f"{patch}delete this gap, or limit its versions, in integrations/gaps"


def reconcile_gaps(
    framework: str,
    instrumentor: str,
    packages: Mapping[str, str],
    counts: CountsByCase,
    declared: Iterable[Gap],
) -> GapReconciliation:
    """Compare what was observed, with these versions, with the declared gaps."""
    observed = observed_misses(counts)
    applicable = [gap for gap in declared if gap.applies_to(framework, instrumentor, packages)]
    hiding = [gap for gap in applicable if gap.hides_other_gaps]
    expected = {gap: gap.expected_misses(counts) for gap in hiding or applicable}
    return GapReconciliation(
        framework,
        instrumentor,
        packages,
        counts,
        known={gap: misses & observed for gap, misses in expected.items() if misses & observed},
        undeclared=observed.difference(*expected.values()),
        fixed={gap: misses - observed for gap, misses in expected.items() if misses - observed},
    )


def join_limited(items: Iterable[str], limit: int = 6, separator: str = ", ") -> str:
    """Join the first items and say how many more there are."""
    every = list(items)
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return separator.join(every[:limit]) + more
