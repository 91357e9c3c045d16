"""What would have been caught: regressions, red on the bad side and green on the other."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from integrations.cli.selection import select_cases
from integrations.environments.declared_environments import DECLARED_ENVIRONMENTS, LOCKED
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.regressions.known_regressions import KNOWN_REGRESSIONS, SHARED_MODEL
from integrations.regressions.regression import (
    REPORTED_TOKENS,
    Regression,
    RegressionResult,
    RegressionSide,
    select_counts,
)
from integrations.regressions.run_regressions import run_regressions as proven
from integrations.reports.markdown import escape_markdown
from integrations.reports.regressions_page import REGRESSIONS_PAGE, regressions_page
from scenarios.player.fidelity import FidelityCount
from tests.integrations.sample_results import make_case_result

OLD = {"mlflow": "3.10.0", "autogen-agentchat": "0.7.5", "opentelemetry-sdk": "1.45.2"}
NEW = OLD | {"opentelemetry-sdk": "1.37.0"}
LOST, TOLD = (
    {"turns": FidelityCount(2, 0), "tools": FidelityCount(1, 0)},
    {"turns": FidelityCount(2, 2)},
)
REGRESSION = Regression(
    "Turns are lost | again",
    "some_upstream.code (https://example.org/9)",
    select_cases(["autogen/swarm"])[0],
    ("turns",),
    bad=RegressionSide(LOCKED, "plain autolog"),
    good=RegressionSide(LOCKED, "ours"),
)


def caught(
    bad: Mapping[str, FidelityCount] = LOST,
    good: Mapping[str, FidelityCount] = TOLD,
    trouble: str = "",
) -> RegressionResult:
    return RegressionResult(REGRESSION, bad, good, (OLD, NEW), trouble)


def test_it_is_proven_where_it_is_red_on_the_one_side_and_green_on_the_other() -> None:
    assert caught().is_proven
    assert not caught(bad=TOLD).is_proven
    assert not caught(good=LOST | TOLD).is_green
    assert not caught(bad=LOST | TOLD).is_red
    assert not caught(good=LOST).is_proven


def test_what_was_not_flown_proves_nothing() -> None:
    assert not caught(bad={}).is_proven
    assert not caught(good={}).is_proven
    assert not caught(trouble="it hung").is_proven


def test_the_page_says_what_was_seen_and_where() -> None:
    text = regressions_page([caught(), caught(good=LOST, trouble="it hung\nfor long")])
    assert "1 of 2 are red on the bad side, green on the good." in text
    assert "| mlflow 3.10.0, autogen-agentchat 0.7.5, opentelemetry-sdk 1.45.2 | plain" in text
    assert "turns 0 of 2, tools 0 of 1 | red |" in text
    assert "**not green**" in text
    assert "it hung\n" in text
    assert "<https://example.org/9>" in text


def test_a_probe_answers_with_what_its_framework_reports() -> None:
    seen = make_case_result(counts={"tokens": FidelityCount(330, 330)}, answer="660")
    assert select_counts(seen, (REPORTED_TOKENS,)) == {REPORTED_TOKENS: FidelityCount(330, 660)}
    assert select_counts(make_case_result(counts={}), (REPORTED_TOKENS,)) == {}


def test_measures_are_told_in_the_order_in_which_they_are_declared() -> None:
    assert list(select_counts(make_case_result(), ("handoffs", "tools"))) == ["handoffs", "tools"]


@pytest.fixture(scope="module")
def flown() -> list[RegressionResult]:
    """A known regression, the same with its sides swapped, and with a bad side that nobody has."""
    (known,) = (each for each in KNOWN_REGRESSIONS if each.case.name == "own_headers")
    nowhere = EnvironmentSpec("a conflict", ("openai<2", "openai>=2"), ("openai",))
    others = (
        replace(known, bad=known.good, good=known.bad),
        replace(known, bad=RegressionSide(nowhere, "ours")),
    )
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("UV_OFFLINE", "1")
        return proven([known, *others], lambda line: None)


def test_either_side_is_flown_where_it_is_declared(flown: list[RegressionResult]) -> None:
    right, swapped, _ = flown
    assert right.is_proven, right.problem
    assert (swapped.is_red, swapped.is_green) == (False, False)
    assert (swapped.bad_counts, swapped.good_counts) == (right.good_counts, right.bad_counts)


def test_a_side_that_cannot_be_flown_proves_nothing_and_says_why(
    flown: list[RegressionResult],
) -> None:
    *_, nowhere = flown
    assert (nowhere.is_green, nowhere.is_proven) == (True, False)
    assert nowhere.bad_counts == {}
    assert nowhere.problem.startswith("a conflict, ours: ")
    assert "openai<2" in nowhere.problem
    old, here = nowhere.versions
    assert not old
    assert here["mlflow"]


@pytest.mark.parametrize("regression", KNOWN_REGRESSIONS, ids=lambda regression: regression.title)
def test_a_regression_is_of_declared_cells_and_stands_on_the_page(regression: Regression) -> None:
    assert {regression.bad.spec, regression.good.spec} <= {*DECLARED_ENVIRONMENTS}
    assert f"## {regression.title}".split(" (")[0] in REGRESSIONS_PAGE.read_text("utf-8")


@pytest.mark.parametrize("regression", KNOWN_REGRESSIONS, ids=lambda regression: regression.title)
def test_the_page_that_is_kept_was_flown_as_it_is_declared(regression: Regression) -> None:
    case, *lines = kept(regression)
    assert case == f"{regression.case.framework}/{regression.case.name}"
    sides = ((regression.bad, "red"), (regression.good, "green"))
    for line, (side, verdict) in zip(lines, sides, strict=True):
        versions, instrumentor, counts, says = line.strip("| ").split(" | ")
        assert (instrumentor, says) == (side.instrumentor, verdict)
        assert tuple(each.rsplit(" ", 3)[0] for each in counts.split(", ")) == regression.measures
        told = dict(each.split() for each in versions.split(", "))
        for wanted in map(Requirement, side.spec.requirements):
            assert wanted.name not in told or told[wanted.name] in wanted.specifier


def kept(regression: Regression) -> list[str]:
    """The case that the kept page names for it, and the rows of the bad and of the good side."""
    section = REGRESSIONS_PAGE.read_text("utf-8").partition(
        f"\n## {escape_markdown(regression.title)}\n"
    )[2]
    section = section.partition("\n## ")[0]
    _, _, *lines = (line for line in section.splitlines() if line.startswith("| "))
    return [section.partition("Case: `")[2].partition("`")[0], *lines]


def test_the_page_that_is_kept_has_all_of_them_proven() -> None:
    many = len(KNOWN_REGRESSIONS)
    assert f"{many} of {many} are red on the bad side" in REGRESSIONS_PAGE.read_text("utf-8")


def test_a_probe_is_no_row_of_the_fidelity_table() -> None:
    assert SHARED_MODEL not in select_cases(())
