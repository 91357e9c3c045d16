"""What an instrumentor without declared gaps tells, held against the fidelity table, both ways."""

import pytest

from integrations.environments.declared_environments import find_declared
from integrations.environments.environment_spec import EnvironmentSpec, spec_from_requirements
from integrations.environments.lock_file import find_lock_file
from integrations.fidelity.comparison import compare_with_table
from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.table_entry import TableEntry
from integrations.gaps.gap import OUTCOME
from scenarios.player.fidelity import FidelityCount
from tests.integrations.sample_results import make_case_result

OWN = spec_from_requirements(["openlit==9"], find_lock_file(["openlit"], ()))
LOCKED = find_declared("openlit")


def troubles(
    now: FidelityCount, table: FidelityCount, where: EnvironmentSpec = OWN
) -> tuple[str, ...]:
    """What is said of a cell where tools are told so, and the table has them so."""
    kept = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry({"tools": table})}
    )
    return compare_with_table(
        where, "crewai", "OpenLIT", [make_case_result(counts={"tools": now})], kept
    ).problems


def test_what_is_told_as_the_table_says_is_no_trouble() -> None:
    assert troubles(FidelityCount(2, 1), FidelityCount(2, 1)) == ()


@pytest.mark.parametrize("told", [1, 3])
def test_what_is_lost_or_doubled_is_worse_than_the_table(told: int) -> None:
    (says,) = troubles(FidelityCount(2, told), FidelityCount(2, 2))
    assert says.startswith(
        "worse than the fidelity table: crewai, OpenLIT: tools of sequential"
        f" ({told}/2, and the table says 2/2); mend it"
    )


def test_what_a_build_mends_is_better_and_told_with_how_to_renew_the_table() -> None:
    (says,) = troubles(FidelityCount(2, 2), FidelityCount(2, 1))
    assert says.startswith("better than the fidelity table: crewai, OpenLIT: tools of sequential")
    assert "pin it in integrations/environments/openlit.in" in says
    assert says.endswith("make fidelity")


def test_what_is_of_our_own_lock_is_renewed_there() -> None:
    (says,) = troubles(
        FidelityCount(2, 2), FidelityCount(2, 1), spec_from_requirements(["autogen-core==9"])
    )
    assert says.endswith(
        "once it is released, require it in pyproject.toml, make lock, and make fidelity"
    )


def test_the_locked_cell_must_be_as_the_table_says() -> None:
    (says,) = troubles(FidelityCount(4, 4), FidelityCount(2, 2), LOCKED)
    assert says.startswith("otherwise than the fidelity table")
    assert says.endswith("make fidelity, and read the diff")


@pytest.mark.parametrize(
    ("now", "table", "way"),
    [
        (FidelityCount(4, 4), FidelityCount(2, 2), None),
        (FidelityCount(4, 3), FidelityCount(2, 1), None),
        (FidelityCount(4, 3), FidelityCount(2, 2), "worse"),
        (FidelityCount(4, 4), FidelityCount(2, 1), "better"),
    ],
)
def test_where_other_versions_do_otherwise_only_what_is_whole_is_compared(
    now: FidelityCount, table: FidelityCount, way: str | None
) -> None:
    assert [each.partition(" ")[0] for each in troubles(now, table)] == ([way] if way else [])


def test_a_case_that_goes_otherwise_is_worse_than_one_that_is_counted() -> None:
    kept = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry({"tools": FidelityCount(2, 2)})}
    )
    hung = make_case_result(counts={OUTCOME: FidelityCount(1, 0)}, problem="it hung")
    (says,) = compare_with_table(OWN, "crewai", "OpenLIT", [hung], kept).problems
    assert "sequential (went otherwise than the case says, and the table says went as" in says


def test_a_case_that_goes_as_it_says_again_is_better_than_one_that_did_not() -> None:
    kept = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry(problem="it hung")}
    )
    (says,) = compare_with_table(OWN, "crewai", "OpenLIT", [make_case_result()], kept).problems
    assert says.startswith("better than the fidelity table: crewai, OpenLIT: flight of sequential")
    assert "(went as the case says, and the table says went otherwise" in says


def test_a_case_that_the_table_does_not_have_is_told() -> None:
    (says,) = compare_with_table(
        OWN,
        "crewai",
        "OpenLIT",
        [make_case_result(counts={"tools": FidelityCount(2, 2)})],
        FidelityTable({}, {}, {}),
    ).problems
    assert "2/2, and the table says not counted" in says


def test_a_case_that_other_versions_lack_is_not_compared() -> None:
    kept = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry({"tools": FidelityCount(2, 2)})}
    )
    lacking = make_case_result(counts={}, unsupported="not in this version")
    assert compare_with_table(OWN, "crewai", "OpenLIT", [lacking], kept).problems == ()
    assert compare_with_table(LOCKED, "crewai", "OpenLIT", [lacking], kept).problems != ()
