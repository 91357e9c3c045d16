"""What would have been caught: regressions, red on the bad side and green on the other."""

from collections.abc import Mapping

import pytest

from integrations.caught.probes import SHARED_MODEL
from integrations.caught.regression import REPORTED, Caught, Regression, Side, measured
from integrations.caught.regressions import REGRESSIONS
from integrations.cells.choice import chosen_cases
from integrations.cells.table import CELLS, LOCKED
from integrations.reports.caught import PAGE, page
from scenarios.fidelity import Count
from tests.made_rows import row

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


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.title)
def test_a_regression_is_of_declared_cells_and_stands_on_the_page(regression: Regression) -> None:
    assert {regression.bad.cell, regression.good.cell} <= {*CELLS}
    assert f"## {regression.title}".split(" (")[0] in PAGE.read_text("utf-8")


def test_the_page_that_is_kept_has_all_of_them_proven() -> None:
    many = len(REGRESSIONS)
    assert f"{many} of {many} are red on the bad side" in PAGE.read_text("utf-8")


def test_a_probe_is_no_row_of_the_fidelity_table() -> None:
    assert SHARED_MODEL not in chosen_cases(())
