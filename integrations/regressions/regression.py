"""An upstream regression, and the result of running its case on bad and good versions.

Each has the fields of a `Regression`. Its case is named as in "crewai/memory". A side is the name
of a declared environment and an instrumentor.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.cases.scripted_replies import scripted_reply
from integrations.environments.declared_environments import ENVIRONMENTS_BY_NAME
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

REPORTED_TOKENS = "reported tokens"
"""A measure of `shared_model`: the tokens used, and the tokens that the framework reports."""

SHARED_MODEL = Case(
    "shared_model",
    "crewai",
    "two agents share a model object, and have no tools",
    scripted_replies=(
        scripted_reply("clerk", "The first part is done."),
        scripted_reply("clerk", "So is the second."),
    ),
    turns=("clerk", "clerk"),
    handoffs=(("clerk", "clerk"),),
)
"""A case that is not in the fidelity table. Its answer is the token count that CrewAI reports."""

ONE_AGENT = Case(
    "answer",
    "ag2",
    "one agent answers",
    scripted_replies=(scripted_reply("clerk", "It is done."),),
    turns=("clerk",),
)
"""The only case of AG2, whose autologging the fidelity table does not cover."""


@dataclass(frozen=True)
class RegressionSide:
    """Where a case is run: in which environment, under which instrumentor."""

    spec: EnvironmentSpec
    instrumentor: str

    def __str__(self) -> str:
        return f"{self.spec.name}, {self.instrumentor}"


@dataclass(frozen=True)
class Regression:
    """A regression: measures of a case that are incomplete on the bad side, complete on the good.

    Attributes:
        title: What is wrong in the traces.
        upstream: The issue, the pull request or the code that causes it.
        case: The case that shows it.
        measures: The measures that show it.
        bad: Versions that have it.
        good: Versions that do not. If there are none, our instrumentation, which fixes it.
    """

    title: str
    upstream: str
    case: Case
    measures: tuple[str, ...]
    bad: RegressionSide
    good: RegressionSide


@dataclass(frozen=True)
class RegressionResult:
    """The counts of a regression's measures on both sides.

    Attributes:
        bad_counts: Counts by measure on the bad side; empty if there are none.
        good_counts: Counts by measure on the good side; empty if there are none.
        versions: Installed versions by name, of the bad side and the good side.
        problem: Why a side could not be run; empty if both were.
    """

    regression: Regression
    bad_counts: Mapping[str, FidelityCount]
    good_counts: Mapping[str, FidelityCount]
    versions: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    problem: str = ""

    @property
    def is_red(self) -> bool:
        """Whether every measure is incomplete on the bad side."""
        return bool(self.bad_counts) and not any(
            count.is_equal for count in self.bad_counts.values()
        )

    @property
    def is_green(self) -> bool:
        """Whether every measure is complete on the good side."""
        return bool(self.good_counts) and all(count.is_equal for count in self.good_counts.values())

    @property
    def is_proven(self) -> bool:
        """Whether the bad side is red and the good side is green."""
        return self.is_red and self.is_green and not self.problem

    @property
    def failure(self) -> str:
        """Why the regression is not proven."""
        reasons = [] if self.is_red else ["not red on the bad side"]
        reasons += [] if self.is_green else ["not green on the good side"]
        reasons += self.problem.splitlines()[:1]
        return "; ".join(reasons)


def select_counts(result: CaseResult, measures: tuple[str, ...]) -> dict[str, FidelityCount]:
    """Return these measures of a result, without those that were not counted."""
    counts = dict(result.counts)
    if "tokens" in counts and result.answer.isdigit():
        counts[REPORTED_TOKENS] = FidelityCount(counts["tokens"].ledger, int(result.answer))
    return {measure: counts[measure] for measure in measures if measure in counts}


@cache
def load_known_regressions() -> tuple[Regression, ...]:
    """Read the regressions, each with its case, and with bad and good versions."""
    cases = {case.full_name: case for case in (*all_cases(), SHARED_MODEL, ONE_AGENT)}
    document = tomllib.loads(Path(__file__).with_name("known_regressions.toml").read_text("utf-8"))
    return tuple(
        Regression(
            each["title"],
            each["upstream"],
            cases[each["case"]],
            tuple(each["measures"]),
            *(
                RegressionSide(ENVIRONMENTS_BY_NAME[environment], instrumentor)
                for environment, instrumentor in (each["bad"], each["good"])
            ),
        )
        for each in document["regressions"]
    )
