"""What an instrumentor without declared gaps tells, held against the fidelity table, both ways."""

import pytest

from integrations.environments.declared_environments import cell
from integrations.environments.environment_spec import Cell, asked
from integrations.environments.lock_file import base
from integrations.fidelity.comparison import held
from integrations.fidelity.fidelity_table import Table
from integrations.fidelity.table_entry import Entry
from integrations.gaps.gap import FLIGHT
from scenarios.player.fidelity import Count
from tests.integrations.sample_results import row

OWN = asked(["openlit==9"], base(["openlit"], ()))
LOCKED = cell("openlit")


def troubles(now: Count, table: Count, where: Cell = OWN) -> tuple[str, ...]:
    """What is said of a cell where tools are told so, and the table has them so."""
    kept = Table({}, {}, {("crewai", "sequential", "OpenLIT"): Entry({"tools": table})})
    return held(where, "crewai", "OpenLIT", [row(counts={"tools": now})], kept).troubles


def test_what_is_told_as_the_table_says_is_no_trouble() -> None:
    assert troubles(Count(2, 1), Count(2, 1)) == ()


@pytest.mark.parametrize("told", [1, 3])
def test_what_is_lost_or_doubled_is_worse_than_the_table(told: int) -> None:
    (says,) = troubles(Count(2, told), Count(2, 2))
    assert says.startswith(
        "worse than the fidelity table: crewai, OpenLIT: tools of sequential"
        f" ({told}/2, and the table says 2/2); mend it"
    )


def test_what_a_build_mends_is_better_and_told_with_how_to_renew_the_table() -> None:
    (says,) = troubles(Count(2, 2), Count(2, 1))
    assert says.startswith("better than the fidelity table: crewai, OpenLIT: tools of sequential")
    assert "pin it in integrations/environments/openlit.in" in says
    assert says.endswith("make fidelity")


def test_what_is_of_our_own_lock_is_renewed_there() -> None:
    (says,) = troubles(Count(2, 2), Count(2, 1), asked(["autogen-core==9"]))
    assert says.endswith(
        "once it is released, require it in pyproject.toml, make lock, and make fidelity"
    )


def test_the_locked_cell_must_be_as_the_table_says() -> None:
    (says,) = troubles(Count(4, 4), Count(2, 2), LOCKED)
    assert says.startswith("otherwise than the fidelity table")
    assert says.endswith("make fidelity, and read the diff")


@pytest.mark.parametrize(
    ("now", "table", "way"),
    [
        (Count(4, 4), Count(2, 2), None),
        (Count(4, 3), Count(2, 1), None),
        (Count(4, 3), Count(2, 2), "worse"),
        (Count(4, 4), Count(2, 1), "better"),
    ],
)
def test_where_other_versions_do_otherwise_only_what_is_whole_is_compared(
    now: Count, table: Count, way: str | None
) -> None:
    assert [each.partition(" ")[0] for each in troubles(now, table)] == ([way] if way else [])


def test_a_case_that_goes_otherwise_is_worse_than_one_that_is_counted() -> None:
    kept = Table({}, {}, {("crewai", "sequential", "OpenLIT"): Entry({"tools": Count(2, 2)})})
    hung = row(counts={FLIGHT: Count(1, 0)}, trouble="it hung")
    (says,) = held(OWN, "crewai", "OpenLIT", [hung], kept).troubles
    assert "sequential (went otherwise than the case says, and the table says went as" in says


def test_a_case_that_goes_as_it_says_again_is_better_than_one_that_did_not() -> None:
    kept = Table({}, {}, {("crewai", "sequential", "OpenLIT"): Entry(trouble="it hung")})
    (says,) = held(OWN, "crewai", "OpenLIT", [row()], kept).troubles
    assert says.startswith("better than the fidelity table: crewai, OpenLIT: flight of sequential")
    assert "(went as the case says, and the table says went otherwise" in says


def test_a_case_that_the_table_does_not_have_is_told() -> None:
    (says,) = held(
        OWN, "crewai", "OpenLIT", [row(counts={"tools": Count(2, 2)})], Table({}, {}, {})
    ).troubles
    assert "2/2, and the table says not counted" in says


def test_a_case_that_other_versions_lack_is_not_compared() -> None:
    kept = Table({}, {}, {("crewai", "sequential", "OpenLIT"): Entry({"tools": Count(2, 2)})})
    lacking = row(counts={}, absent="not in this version")
    assert held(OWN, "crewai", "OpenLIT", [lacking], kept).troubles == ()
    assert held(LOCKED, "crewai", "OpenLIT", [lacking], kept).troubles != ()
