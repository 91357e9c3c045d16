"""AutoGen's cases, each flown once: what they say of themselves is so, and ours tells all of it."""

import pytest

from integrations.cases.all_cases import cases
from integrations.conventions.normalized_trace import told
from integrations.measures.fidelity_counts import counted
from integrations.programs.autogen.building_blocks import assistant
from integrations.programs.case_context import NotHere, World
from integrations.runner.case_process import here
from integrations.runner.case_run import Flight, flown

NAMES = [case.name for case in cases("autogen")]


@pytest.fixture(scope="module")
def flights() -> dict[str, Flight]:
    """All of them, in one child."""
    return {flight.case.name: flight for flight in flown(here(), "ours", cases("autogen"))}


@pytest.mark.parametrize("name", NAMES)
def test_a_case_goes_as_it_says(flights: dict[str, Flight], name: str) -> None:
    assert flights[name].trouble == ""
    assert flights[name].absent == ""


@pytest.mark.parametrize("name", NAMES)
def test_ours_tells_all_of_it(flights: dict[str, Flight], name: str) -> None:
    seen = counted(flights[name], told(flights[name]))
    assert {n: count for n, count in seen if not count.whole} == {}


@pytest.mark.parametrize("name", NAMES)
def test_something_happens_that_can_be_told(flights: dict[str, Flight], name: str) -> None:
    assert flights[name].exchanges
    assert flights[name].case.turns


def test_a_version_that_lacks_a_setting_says_so() -> None:
    with pytest.raises(NotHere, match="AssistantAgent has no `clairvoyance`"):
        assistant(World("http://127.0.0.1:1/v1"), "warden", clairvoyance=True)
