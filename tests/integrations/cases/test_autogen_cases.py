"""AutoGen's cases, each flown once: what they say of themselves is so, and ours tells all of it."""

import pytest

from integrations.cases.all_cases import all_cases
from integrations.conventions.normalized_trace import normalized_trace
from integrations.measures.run_counts import count_run
from integrations.programs.autogen.building_blocks import make_assistant
from integrations.programs.case_context import CaseContext, UnsupportedFeatureError
from integrations.runner.case_process import current_python
from integrations.runner.case_run import CaseRun, run_cases

NAMES = [case.name for case in all_cases("autogen")]


@pytest.fixture(scope="module")
def flights() -> dict[str, CaseRun]:
    """All of them, in one child."""
    return {
        flight.case.name: flight
        for flight in run_cases(current_python(), "ours", all_cases("autogen"))
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_case_goes_as_it_says(flights: dict[str, CaseRun], name: str) -> None:
    assert flights[name].problem == ""
    assert flights[name].unsupported == ""


@pytest.mark.parametrize("name", NAMES)
def test_ours_tells_all_of_it(flights: dict[str, CaseRun], name: str) -> None:
    seen = count_run(flights[name], normalized_trace(flights[name]))
    assert {n: count for n, count in seen if not count.is_equal} == {}


@pytest.mark.parametrize("name", NAMES)
def test_something_happens_that_can_be_told(flights: dict[str, CaseRun], name: str) -> None:
    assert flights[name].exchanges
    assert flights[name].case.turns


def test_a_version_that_lacks_a_setting_says_so() -> None:
    with pytest.raises(UnsupportedFeatureError, match="AssistantAgent has no `clairvoyance`"):
        make_assistant(CaseContext("http://127.0.0.1:1/v1"), "warden", clairvoyance=True)
