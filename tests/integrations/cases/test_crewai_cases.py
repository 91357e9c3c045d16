"""CrewAI's cases, each flown once: what they say of themselves is so, and ours tells all of it."""

from collections import Counter

import pytest

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.conventions.normalized_trace import normalized_trace
from integrations.measures.run_counts import count_run
from integrations.programs.case_context import TOOL_CREDENTIAL, CaseContext
from integrations.programs.crewai.lookup_tool import UNKNOWN_PLACE, LookupTool
from integrations.runner.case_process import current_python
from integrations.runner.case_run import CaseRun, run_cases

CASES = {case.name: case for case in all_cases("crewai")}


@pytest.fixture(scope="module")
def flights() -> dict[str, CaseRun]:
    """All of them, in one child."""
    return {
        flight.case.name: flight for flight in run_cases(current_python(), "ours", CASES.values())
    }


@pytest.mark.parametrize("name", CASES)
def test_a_case_goes_as_it_says(flights: dict[str, CaseRun], name: str) -> None:
    assert (flights[name].problem, flights[name].unsupported) == ("", "")


@pytest.mark.parametrize("name", CASES)
def test_ours_tells_all_of_it(flights: dict[str, CaseRun], name: str) -> None:
    seen = count_run(flights[name], normalized_trace(flights[name]))
    assert {measure: count for measure, count in seen if not count.is_equal} == {}


@pytest.mark.parametrize("name", CASES)
def test_whoever_asks_has_a_turn(flights: dict[str, CaseRun], name: str) -> None:
    asked = {one.lane for one in flights[name].exchanges if one.path.endswith("/chat/completions")}
    assert asked == set(CASES[name].turns)


@pytest.mark.parametrize("name", CASES)
def test_each_look_up_that_is_asked_for_runs(flights: dict[str, CaseRun], name: str) -> None:
    ran = Counter(str(tool["agent"]) for tool in flights[name].tools)
    assert ran == Counter(
        line["lane"]
        for line in CASES[name].scripted_replies
        for _ in line["reply"].get("tool_calls", ())
    )


@pytest.mark.parametrize("case", CASES.values(), ids=str)
def test_work_is_handed_between_those_who_have_a_turn(case: Case) -> None:
    assert {agent for pair in case.handoffs for agent in pair} <= set(case.turns)


def test_a_run_of_its_own_may_be_a_tree_of_its_own(flights: dict[str, CaseRun]) -> None:
    assert len(normalized_trace(flights["for_each"]).roots) == CASES["for_each"].expected_trees == 3


def test_a_look_up_that_raises_is_told_of() -> None:
    world = CaseContext("http://127.0.0.1:1/v1")
    with pytest.raises(LookupError):
        LookupTool(world, "scout").run(place=UNKNOWN_PLACE)
    assert world.tool_runs == [{"agent": "scout", "tool": "lookup", "raised": True}]


def test_a_look_up_holds_what_no_model_is_sent(flights: dict[str, CaseRun]) -> None:
    assert TOOL_CREDENTIAL in repr(LookupTool(CaseContext("http://127.0.0.1:1/v1"), "scout"))
    assert not any(TOOL_CREDENTIAL in str(one.request) for one in flights["sequential"].exchanges)
