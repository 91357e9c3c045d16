"""The diagnosis of programs that the detectors were not written on, against the truth."""

import pytest

from tests.scenarios.diagnoses.unseen.accuracy_page import COMMAND, PAGE, TABLES, render_page
from tests.scenarios.diagnoses.unseen.hits import Result, compare, render_tables
from tests.scenarios.diagnoses.unseen.recording import record_cases

pytestmark = [pytest.mark.long, pytest.mark.store]


@pytest.fixture(scope="module")
def results(store: str) -> list[Result]:
    return [compare(case, trace) for case, trace in record_cases(store)]


def test_the_table_of_hits_is_current(results: list[Result]) -> None:
    """A change of a detector is a change of this table, for better or for worse."""
    text = PAGE.read_text("utf-8")
    assert TABLES.search(text)
    assert render_page(text, render_tables(results)) == text, f"run: {COMMAND}"


def test_each_program_has_healthy_runs_and_runs_with_faults(results: list[Result]) -> None:
    for program in {result.case.program for result in results}:
        runs = [result for result in results if result.case.program == program]
        healthy = sum(not result.case.truths for result in runs)
        assert healthy >= 2, program
        assert len(runs) - healthy >= 4, program
