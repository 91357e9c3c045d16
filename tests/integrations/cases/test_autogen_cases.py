"""Each AutoGen case agrees with its ground truth, and our instrumentation records all of it."""

from pathlib import Path

import pytest

from integrations.cases.all_cases import all_cases
from integrations.measures.run_counts import count_run
from integrations.measures.span_normalization import normalized_trace
from integrations.programs.autogen.building_blocks import make_assistant
from integrations.programs.case_context import CaseContext, UnsupportedFeatureError
from integrations.runner.case_run import CaseRun, run_cases_in_child
from tests.support.forks.forking_python import forking_python

pytestmark = pytest.mark.long

NAMES = [case.name for case in all_cases("autogen")]


@pytest.fixture(scope="module")
def runs() -> dict[str, CaseRun]:
    """All cases, run in one child process."""
    return {
        run.case.name: run
        for run in run_cases_in_child(Path(forking_python()), "ours", all_cases("autogen"))
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_run_agrees_with_its_ground_truth(runs: dict[str, CaseRun], name: str) -> None:
    assert runs[name].problem == ""
    assert runs[name].unsupported == ""


@pytest.mark.parametrize("name", NAMES)
def test_our_instrumentation_is_complete(runs: dict[str, CaseRun], name: str) -> None:
    counts = count_run(runs[name], normalized_trace(runs[name]))
    assert {n: count for n, count in counts if not count.is_equal} == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_case_has_requests_and_turns(runs: dict[str, CaseRun], name: str) -> None:
    assert runs[name].exchanges
    assert runs[name].case.turns


def test_a_missing_setting_is_reported_as_unsupported() -> None:
    with pytest.raises(UnsupportedFeatureError, match="AssistantAgent has no `clairvoyance`"):
        make_assistant(CaseContext("http://127.0.0.1:1/v1"), "warden", clairvoyance=True)
