"""Known regressions are red on their bad side and green on their good side."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from integrations.cli.environment_selection import select_cases
from integrations.environments.declared_environments import (
    AG2_ENVIRONMENTS,
    DECLARED_ENVIRONMENTS,
    LOCKED,
)
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.regressions.regression import (
    REPORTED_TOKENS,
    SHARED_MODEL,
    Regression,
    RegressionResult,
    RegressionSide,
    load_known_regressions,
    select_counts,
)
from integrations.regressions.run_regressions import run_both_sides
from integrations.reports.regressions_page import REGRESSIONS_PAGE, render_regressions_page
from integrations.reports.tables import escape_markdown
from scenarios.player.fidelity import FidelityCount
from tests.integrations.sample_results import make_case_result

OLD = {"mlflow": "3.10.0", "autogen-agentchat": "0.7.5", "opentelemetry-sdk": "1.45.2"}
NEW = OLD | {"opentelemetry-sdk": "1.37.0"}
LOST, COMPLETE = (
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


def make_result(
    bad: Mapping[str, FidelityCount] = LOST,
    good: Mapping[str, FidelityCount] = COMPLETE,
    problem: str = "",
) -> RegressionResult:
    return RegressionResult(REGRESSION, bad, good, (OLD, NEW), problem)


def test_a_regression_is_proven_if_bad_is_red_and_good_is_green() -> None:
    assert make_result().is_proven
    assert not make_result(bad=COMPLETE).is_proven
    assert not make_result(good=LOST | COMPLETE).is_green
    assert not make_result(bad=LOST | COMPLETE).is_red
    assert not make_result(good=LOST).is_proven


def test_a_side_without_counts_proves_nothing() -> None:
    assert not make_result(bad={}).is_proven
    assert not make_result(good={}).is_proven
    assert not make_result(problem="it hung").is_proven


def test_the_page_has_versions_counts_and_verdicts() -> None:
    text = render_regressions_page(
        [make_result(), make_result(good=LOST, problem="it hung\nfor long")]
    )
    assert "1 of 2 are red on the bad versions and green on the good ones." in text
    assert "| mlflow 3.10.0, autogen-agentchat 0.7.5, opentelemetry-sdk 1.45.2 | plain" in text
    assert "turns 0 of 2, tools 0 of 1 | red |" in text
    assert "**not green**" in text
    assert "it hung\n" in text
    assert "<https://example.org/9>" in text


def test_reported_tokens_are_read_from_the_answer() -> None:
    result = make_case_result(counts={"tokens": FidelityCount(330, 330)}, answer="660")
    assert select_counts(result, (REPORTED_TOKENS,)) == {REPORTED_TOKENS: FidelityCount(330, 660)}
    assert select_counts(make_case_result(counts={}), (REPORTED_TOKENS,)) == {}


def test_measures_keep_their_declared_order() -> None:
    assert list(select_counts(make_case_result(), ("handoffs", "tools"))) == ["handoffs", "tools"]


@pytest.fixture(scope="module")
def results() -> list[RegressionResult]:
    """A known regression, the same with swapped sides, and with a bad side that cannot be built."""
    (known,) = (each for each in load_known_regressions() if each.case.name == "own_headers")
    unbuildable = EnvironmentSpec("a conflict", ("openai<2", "openai>=2"), ("openai",))
    others = (
        replace(known, bad=known.good, good=known.bad),
        replace(known, bad=RegressionSide(unbuildable, "ours")),
    )
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("UV_OFFLINE", "1")
        return run_both_sides([known, *others], lambda line: None)


@pytest.mark.long
def test_each_side_runs_in_its_declared_environment(results: list[RegressionResult]) -> None:
    right, swapped, _ = results
    assert right.is_proven, right.problem
    assert (swapped.is_red, swapped.is_green) == (False, False)
    assert (swapped.bad_counts, swapped.good_counts) == (right.good_counts, right.bad_counts)


@pytest.mark.long
def test_a_side_that_cannot_be_built_proves_nothing_and_says_why(
    results: list[RegressionResult],
) -> None:
    *_, unbuildable = results
    assert (unbuildable.is_green, unbuildable.is_proven) == (True, False)
    assert unbuildable.bad_counts == {}
    assert unbuildable.problem.startswith("a conflict, ours: ")
    assert "openai<2" in unbuildable.problem
    old, here = unbuildable.versions
    assert not old
    assert here["mlflow"]


@pytest.mark.parametrize(
    "regression", load_known_regressions(), ids=lambda regression: regression.title
)
def test_a_regression_has_declared_environments_and_is_on_the_page(regression: Regression) -> None:
    assert {regression.bad.spec, regression.good.spec} <= {
        *DECLARED_ENVIRONMENTS,
        *AG2_ENVIRONMENTS,
    }
    title = escape_markdown(regression.title)
    assert f"## {title}" in REGRESSIONS_PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    "regression", load_known_regressions(), ids=lambda regression: regression.title
)
def test_the_stored_page_agrees_with_the_declaration(regression: Regression) -> None:
    case, *lines = stored_section(regression)
    assert case == regression.case.full_name
    sides = ((regression.bad, "red"), (regression.good, "green"))
    for line, (side, verdict) in zip(lines, sides, strict=True):
        versions, instrumentor, counts, verdict_cell = line.strip("| ").split(" | ")
        assert (instrumentor, verdict_cell) == (side.instrumentor, verdict)
        assert tuple(each.rsplit(" ", 3)[0] for each in counts.split(", ")) == regression.measures
        installed = dict(each.split() for each in versions.split(", "))
        for requirement in map(Requirement, side.spec.requirements):
            assert (
                requirement.name not in installed
                or installed[requirement.name] in requirement.specifier
            )


def stored_section(regression: Regression) -> list[str]:
    """Return the case and the two table rows of a regression on the stored page."""
    section = REGRESSIONS_PAGE.read_text("utf-8").partition(
        f"\n## {escape_markdown(regression.title)}\n"
    )[2]
    section = section.partition("\n## ")[0]
    _, _, *lines = (line for line in section.splitlines() if line.startswith("| "))
    return [section.partition("Case: `")[2].partition("`")[0], *lines]


def test_the_stored_page_has_all_regressions_proven() -> None:
    count = len(load_known_regressions())
    assert f"{count} of {count} are red on the bad versions" in REGRESSIONS_PAGE.read_text("utf-8")


def test_the_regression_case_is_not_in_the_fidelity_table() -> None:
    assert SHARED_MODEL not in select_cases(())
