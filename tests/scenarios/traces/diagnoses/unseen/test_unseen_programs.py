"""The diagnosis of programs that the detectors were not written on, against the truth."""

import pytest

from instrumentation.diagnosis import DETECTORS, Detector
from instrumentation.trace import Trace
from tests.instrumentation.diagnosis.test_look_alikes import UNPLAYED
from tests.scenarios.traces.diagnoses.unseen.accuracy_page import COMMAND, PAGE, TABLES, render_page
from tests.scenarios.traces.diagnoses.unseen.case import Case
from tests.scenarios.traces.diagnoses.unseen.hits import Result, compare, render_tables, score
from tests.scenarios.traces.diagnoses.unseen.recording import record_cases

pytestmark = [pytest.mark.long, pytest.mark.store]


@pytest.fixture(scope="module")
def recorded(store: str) -> list[tuple[Case, Trace]]:
    return record_cases(store)


@pytest.fixture(scope="module")
def results(recorded: list[tuple[Case, Trace]]) -> list[Result]:
    return [compare(case, trace) for case, trace in recorded]


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


def test_no_healthy_run_is_accused(results: list[Result]) -> None:
    healthy = [result for result in results if not result.case.truths]
    assert {one.case.story: one.findings for one in healthy if one.findings} == {}


@pytest.mark.parametrize("detector", UNPLAYED, ids=lambda detector: detector.__name__)
def test_without_a_detector_one_of_its_faults_is_missed(
    detector: Detector, recorded: list[tuple[Case, Trace]], results: list[Result]
) -> None:
    others = [other for other in DETECTORS if other is not detector]
    without = [compare(case, trace, others) for case, trace in recorded]
    assert score(without) < score(results)
