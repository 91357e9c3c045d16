"""Results of instrumentors without declared gaps must equal the fidelity table."""

import pytest

from integrations.environments.declared_environments import ENVIRONMENTS_BY_NAME
from integrations.environments.environment_spec import EnvironmentSpec, spec_from_requirements
from integrations.environments.lock_files import select_lock_file
from integrations.fidelity.fidelity_table import FidelityTable, TableEntry
from integrations.fidelity.table_comparison import compare_with_table
from integrations.gaps.gap import OUTCOME
from scenarios.player.fidelity import FidelityCount
from tests.integrations.sample_results import make_case_result

NOT_LOCKED = spec_from_requirements(["openlit==9"], select_lock_file(["openlit"], ()))
LOCKED = ENVIRONMENTS_BY_NAME["openlit"]


def problems(
    now: FidelityCount, table: FidelityCount, spec: EnvironmentSpec = NOT_LOCKED
) -> tuple[str, ...]:
    """The problems if tools are measured as `now`, and stored as `table`."""
    stored = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry({"tools": table})}
    )
    return compare_with_table(
        spec, "crewai", "OpenLIT", [make_case_result(counts={"tools": now})], stored
    ).problems


def test_a_result_equal_to_the_table_is_no_problem() -> None:
    assert problems(FidelityCount(2, 1), FidelityCount(2, 1)) == ()


@pytest.mark.parametrize("recorded", [1, 3])
def test_fewer_or_duplicate_records_are_worse(recorded: int) -> None:
    (problem,) = problems(FidelityCount(2, recorded), FidelityCount(2, 2))
    assert problem.startswith(
        "worse than the fidelity table: crewai, OpenLIT: tools of sequential"
        f" ({recorded}/2; the table has 2/2); fix it"
    )


def test_a_better_result_says_how_to_update_the_table() -> None:
    (problem,) = problems(FidelityCount(2, 2), FidelityCount(2, 1))
    assert problem.startswith(
        "better than the fidelity table: crewai, OpenLIT: tools of sequential"
    )
    assert "pin it in integrations/environments/locks/openlit.in" in problem
    assert problem.endswith("make fidelity")


def test_a_package_of_the_project_lock_is_updated_there() -> None:
    (problem,) = problems(
        FidelityCount(2, 2), FidelityCount(2, 1), spec_from_requirements(["autogen-core==9"])
    )
    assert problem.endswith(
        "once it is released, require it in pyproject.toml, run make lock, and run make fidelity"
    )


def test_the_locked_environment_must_equal_the_table() -> None:
    (problem,) = problems(FidelityCount(4, 4), FidelityCount(2, 2), LOCKED)
    assert problem.startswith("different from the fidelity table")
    assert problem.endswith("run make fidelity and review the diff")


@pytest.mark.parametrize(
    ("now", "table", "direction"),
    [
        (FidelityCount(4, 4), FidelityCount(2, 2), None),
        (FidelityCount(4, 3), FidelityCount(2, 1), None),
        (FidelityCount(4, 3), FidelityCount(2, 2), "worse"),
        (FidelityCount(4, 4), FidelityCount(2, 1), "better"),
    ],
)
def test_in_other_versions_only_completeness_is_compared(
    now: FidelityCount, table: FidelityCount, direction: str | None
) -> None:
    assert [each.partition(" ")[0] for each in problems(now, table)] == (
        [direction] if direction else []
    )


def test_an_unexpected_outcome_is_worse() -> None:
    stored = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry({"tools": FidelityCount(2, 2)})}
    )
    result = make_case_result(counts={OUTCOME: FidelityCount(1, 0)}, problem="it hung")
    (problem,) = compare_with_table(NOT_LOCKED, "crewai", "OpenLIT", [result], stored).problems
    assert "sequential (an unexpected outcome; the table has the expected outcome" in problem


def test_the_expected_outcome_is_better_than_a_stored_problem() -> None:
    stored = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry(problem="it hung")}
    )
    (problem,) = compare_with_table(
        NOT_LOCKED, "crewai", "OpenLIT", [make_case_result()], stored
    ).problems
    assert problem.startswith(
        "better than the fidelity table: crewai, OpenLIT: outcome of sequential"
    )
    assert "(the expected outcome; the table has an unexpected outcome" in problem


def test_a_case_that_the_table_lacks_is_a_problem() -> None:
    (problem,) = compare_with_table(
        NOT_LOCKED,
        "crewai",
        "OpenLIT",
        [make_case_result(counts={"tools": FidelityCount(2, 2)})],
        FidelityTable({}, {}, {}),
    ).problems
    assert "2/2; the table has not counted" in problem


def test_an_unsupported_case_is_not_compared() -> None:
    stored = FidelityTable(
        {}, {}, {("crewai", "sequential", "OpenLIT"): TableEntry({"tools": FidelityCount(2, 2)})}
    )
    unsupported = make_case_result(counts={}, unsupported="not in this version")
    assert compare_with_table(NOT_LOCKED, "crewai", "OpenLIT", [unsupported], stored).problems == ()
    assert compare_with_table(LOCKED, "crewai", "OpenLIT", [unsupported], stored).problems != ()
