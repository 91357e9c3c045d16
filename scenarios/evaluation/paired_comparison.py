"""Compare two versions' scores on the same tasks, and a judge's verdicts with the truth.

Only tasks on which the versions differ say which is better. If both were equally good, each of
these would be a toss of a coin: `p_value` is the probability of tosses at least as one-sided as
those seen (the exact form of Q. McNemar, Psychometrika 12, 1947; it equals a two-sided sign test).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

SIGNIFICANCE_LEVEL = 0.05


@dataclass(frozen=True)
class PairedComparison:
    """How often a version passes where the other fails.

    Attributes:
        tasks: The tasks that both versions were scored on.
        only_first: Passed by the first version alone.
        only_second: Passed by the second version alone.
    """

    first: str
    second: str
    tasks: int
    only_first: int
    only_second: int

    @property
    def p_value(self) -> float:
        differing = self.only_first + self.only_second
        smaller = min(self.only_first, self.only_second)
        tail = sum(comb(differing, count) for count in range(smaller + 1))
        return min(1.0, 2.0 * tail / float(2**differing))

    @property
    def is_significant(self) -> bool:
        return self.p_value < SIGNIFICANCE_LEVEL

    @property
    def verdict(self) -> str:
        """The result as a sentence, with its significance."""
        if self.only_first == self.only_second:
            return "no difference"
        better = self.second if self.only_second > self.only_first else self.first
        if self.is_significant:
            return f"{better} is better (p = {self.p_value:.3f})"
        return f"{better} passes more often, which may be chance (p = {self.p_value:.3f})"


def compare_pairs(versions: Mapping[str, Mapping[str, bool]]) -> PairedComparison:
    """Compare two versions.

    Args:
        versions: Of each of two versions, by its name, whether it passes, by task.

    Raises:
        ValueError: The versions were not scored on the same tasks.
    """
    (first_name, first), (second_name, second) = versions.items()
    if different := sorted(first.keys() ^ second.keys()):
        raise ValueError(f"expected the same tasks for both, but only one has {different}")
    return PairedComparison(
        first_name,
        second_name,
        tasks=len(first),
        only_first=sum(first[task] and not second[task] for task in first),
        only_second=sum(second[task] and not first[task] for task in first),
    )


@dataclass(frozen=True)
class Agreement:
    """How far a judge agrees with the truth; kappa is what is above the agreement of chance.

    Attributes:
        accuracy: The share of verdicts that are right.
        kappa: Cohen's kappa (Educational and Psychological Measurement 20, 1960): 1 is perfect, 0
            is no better than chance. None if both have one verdict only, where it is undefined.
    """

    accuracy: float
    kappa: float | None


def measure_agreement(verdicts: Sequence[bool], truth: Sequence[bool]) -> Agreement:
    """Measure the agreement of verdicts with the truth, in the same order.

    Raises:
        ValueError: There are none, or not as many of each.
    """
    if not verdicts or len(verdicts) != len(truth):
        raise ValueError(f"expected pairs, found {len(verdicts)} verdicts of {len(truth)} runs")
    count = len(truth)
    accuracy = sum(a == b for a, b in zip(verdicts, truth, strict=True)) / count
    passed, true = sum(verdicts) / count, sum(truth) / count
    by_chance = passed * true + (1 - passed) * (1 - true)
    return Agreement(accuracy, None if by_chance == 1 else (accuracy - by_chance) / (1 - by_chance))
