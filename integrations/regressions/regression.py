"""A regression: what upstream once broke, and the versions between which the suite tells it."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.cases.case import Case
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

REPORTED_TOKENS = "reported tokens"
"""The measure of a probe: the tokens that were used, and those that the framework says were."""


@dataclass(frozen=True)
class RegressionSide:
    """Where a case is flown: in which cell, and under which instrumentor."""

    spec: EnvironmentSpec
    instrumentor: str

    def __str__(self) -> str:
        return f"{self.spec.name}, {self.instrumentor}"


@dataclass(frozen=True)
class Regression:
    """`measures` of `case` are not whole on the bad side, and are on the good one.

    `upstream` is an issue, a pull request, or the code whose doing it is. Where nothing upstream is
    good yet, ours is, on the versions that it mends.
    """

    title: str
    upstream: str
    case: Case
    measures: tuple[str, ...]
    bad: RegressionSide
    good: RegressionSide


@dataclass(frozen=True)
class RegressionResult:
    """A regression as it was flown on both sides: counts by measure, or why there are none.

    `versions` are those of the packages of either side, by name.
    """

    regression: Regression
    bad_counts: Mapping[str, FidelityCount]
    good_counts: Mapping[str, FidelityCount]
    versions: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    problem: str = ""

    @property
    def is_red(self) -> bool:
        """Whether the bad side shows in each measure."""
        return bool(self.bad_counts) and not any(
            count.is_equal for count in self.bad_counts.values()
        )

    @property
    def is_green(self) -> bool:
        return bool(self.good_counts) and all(count.is_equal for count in self.good_counts.values())

    @property
    def is_proven(self) -> bool:
        return self.is_red and self.is_green and not self.problem


def select_counts(result: CaseResult, measures: tuple[str, ...]) -> dict[str, FidelityCount]:
    """These measures of a row; of one that went otherwise than its case says, none."""
    counts = dict(result.counts)
    if "tokens" in counts and result.answer.isdigit():
        counts[REPORTED_TOKENS] = FidelityCount(counts["tokens"].ledger, int(result.answer))
    return {measure: counts[measure] for measure in measures if measure in counts}
