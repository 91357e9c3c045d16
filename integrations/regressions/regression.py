"""A regression: what upstream once broke, and the versions between which the suite tells it."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.cases.case import Case
from integrations.environments.environment_spec import Cell
from integrations.runner.case_result import Row
from scenarios.player.fidelity import Count

REPORTED = "reported tokens"
"""The measure of a probe: the tokens that were used, and those that the framework says were."""


@dataclass(frozen=True)
class Side:
    """Where a case is flown: in which cell, and under which instrumentor."""

    cell: Cell
    instrumentor: str

    def __str__(self) -> str:
        return f"{self.cell.name}, {self.instrumentor}"


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
    bad: Side
    good: Side


@dataclass(frozen=True)
class Caught:
    """A regression as it was flown on both sides: counts by measure, or why there are none.

    `versions` are those of the packages of either side, by name.
    """

    regression: Regression
    bad: Mapping[str, Count]
    good: Mapping[str, Count]
    versions: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    trouble: str = ""

    @property
    def red(self) -> bool:
        """Whether the bad side shows in each measure."""
        return bool(self.bad) and not any(count.whole for count in self.bad.values())

    @property
    def green(self) -> bool:
        return bool(self.good) and all(count.whole for count in self.good.values())

    @property
    def proven(self) -> bool:
        return self.red and self.green and not self.trouble


def measured(row: Row, measures: tuple[str, ...]) -> dict[str, Count]:
    """These measures of a row; of one that went otherwise than its case says, none."""
    counts = dict(row.counts)
    if "tokens" in counts and row.answer.isdigit():
        counts[REPORTED] = Count(counts["tokens"].ledger, int(row.answer))
    return {measure: counts[measure] for measure in measures if measure in counts}
