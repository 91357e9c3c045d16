"""What would have been caught: regressions, red on the bad side and green on the other."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from integrations.cli.selection import chosen_cases
from integrations.environments.declared_environments import CELLS, LOCKED
from integrations.environments.environment_spec import Cell
from integrations.regressions.known_regressions import REGRESSIONS
from integrations.regressions.regression import REPORTED, Caught, Regression, Side, measured
from integrations.regressions.regression_cases import SHARED_MODEL
from integrations.regressions.run_regressions import caught as proven
from integrations.reports.matrix_markdown import plain
from integrations.reports.regressions_page import PAGE, page
from scenarios.player.fidelity import Count
from tests.integrations.sample_results import row

OLD = {"mlflow": "3.10.0", "autogen-agentchat": "0.7.5", "opentelemetry-sdk": "1.45.2"}
NEW = OLD | {"opentelemetry-sdk": "1.37.0"}
LOST, TOLD = {"turns": Count(2, 0), "tools": Count(1, 0)}, {"turns": Count(2, 2)}
REGRESSION = Regression(
    "Turns are lost | again",
    "some_upstream.code (https://example.org/9)",
    chosen_cases(["autogen/swarm"])[0],
    ("turns",),
    bad=Side(LOCKED, "plain autolog"),
    good=Side(LOCKED, "ours"),
)


def caught(
    bad: Mapping[str, Count] = LOST, good: Mapping[str, Count] = TOLD, trouble: str = ""
) -> Caught:
    return Caught(REGRESSION, bad, good, (OLD, NEW), trouble)


def test_it_is_proven_where_it_is_red_on_the_one_side_and_green_on_the_other() -> None:
    assert caught().proven
    assert not caught(bad=TOLD).proven
    assert not caught(good=LOST | TOLD).green
    assert not caught(bad=LOST | TOLD).red
    assert not caught(good=LOST).proven


def test_what_was_not_flown_proves_nothing() -> None:
    assert not caught(bad={}).proven
    assert not caught(good={}).proven
    assert not caught(trouble="it hung").proven


def test_the_page_says_what_was_seen_and_where() -> None:
    text = page([caught(), caught(good=LOST, trouble="it hung\nfor long")])
    assert "1 of 2 are red on the bad side, green on the good." in text
    assert "| mlflow 3.10.0, autogen-agentchat 0.7.5, opentelemetry-sdk 1.45.2 | plain" in text
    assert "turns 0 of 2, tools 0 of 1 | red |" in text
    assert "**not green**" in text
    assert "it hung\n" in text
    assert "<https://example.org/9>" in text


def test_a_probe_answers_with_what_its_framework_reports() -> None:
    seen = row(counts={"tokens": Count(330, 330)}, answer="660")
    assert measured(seen, (REPORTED,)) == {REPORTED: Count(330, 660)}
    assert measured(row(counts={}), (REPORTED,)) == {}


def test_measures_are_told_in_the_order_in_which_they_are_declared() -> None:
    assert list(measured(row(), ("handoffs", "tools"))) == ["handoffs", "tools"]


@pytest.fixture(scope="module")
def flown() -> list[Caught]:
    """A known regression, the same with its sides swapped, and with a bad side that nobody has."""
    (known,) = (each for each in REGRESSIONS if each.case.name == "own_headers")
    nowhere = Cell("a conflict", ("openai<2", "openai>=2"), ("openai",))
    others = (
        replace(known, bad=known.good, good=known.bad),
        replace(known, bad=Side(nowhere, "ours")),
    )
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("UV_OFFLINE", "1")
        return proven([known, *others], lambda line: None)


def test_either_side_is_flown_where_it_is_declared(flown: list[Caught]) -> None:
    right, swapped, _ = flown
    assert right.proven, right.trouble
    assert (swapped.red, swapped.green) == (False, False)
    assert (swapped.bad, swapped.good) == (right.good, right.bad)


def test_a_side_that_cannot_be_flown_proves_nothing_and_says_why(flown: list[Caught]) -> None:
    *_, nowhere = flown
    assert (nowhere.green, nowhere.proven) == (True, False)
    assert nowhere.bad == {}
    assert nowhere.trouble.startswith("a conflict, ours: ")
    assert "openai<2" in nowhere.trouble
    old, here = nowhere.versions
    assert not old
    assert here["mlflow"]


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.title)
def test_a_regression_is_of_declared_cells_and_stands_on_the_page(regression: Regression) -> None:
    assert {regression.bad.cell, regression.good.cell} <= {*CELLS}
    assert f"## {regression.title}".split(" (")[0] in PAGE.read_text("utf-8")


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.title)
def test_the_page_that_is_kept_was_flown_as_it_is_declared(regression: Regression) -> None:
    case, *lines = kept(regression)
    assert case == f"{regression.case.framework}/{regression.case.name}"
    sides = ((regression.bad, "red"), (regression.good, "green"))
    for line, (side, verdict) in zip(lines, sides, strict=True):
        versions, instrumentor, counts, says = line.strip("| ").split(" | ")
        assert (instrumentor, says) == (side.instrumentor, verdict)
        assert tuple(each.rsplit(" ", 3)[0] for each in counts.split(", ")) == regression.measures
        told = dict(each.split() for each in versions.split(", "))
        for wanted in map(Requirement, side.cell.requirements):
            assert wanted.name not in told or told[wanted.name] in wanted.specifier


def kept(regression: Regression) -> list[str]:
    """The case that the kept page names for it, and the rows of the bad and of the good side."""
    section = PAGE.read_text("utf-8").partition(f"\n## {plain(regression.title)}\n")[2]
    section = section.partition("\n## ")[0]
    _, _, *lines = (line for line in section.splitlines() if line.startswith("| "))
    return [section.partition("Case: `")[2].partition("`")[0], *lines]


def test_the_page_that_is_kept_has_all_of_them_proven() -> None:
    many = len(REGRESSIONS)
    assert f"{many} of {many} are red on the bad side" in PAGE.read_text("utf-8")


def test_a_probe_is_no_row_of_the_fidelity_table() -> None:
    assert SHARED_MODEL not in chosen_cases(())
