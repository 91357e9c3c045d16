"""CrewAI's cases, each flown once: what they say of themselves is so, and ours tells all of it."""

from collections import Counter

import pytest

from integrations.cases.all_cases import cases
from integrations.cases.case import Case
from integrations.conventions.normalized_trace import told
from integrations.measures.fidelity_counts import counted
from integrations.programs.case_context import CREDENTIAL, World
from integrations.programs.crewai.lookup_tool import NOWHERE, Lookup
from integrations.runner.case_process import here
from integrations.runner.case_run import Flight, flown

CASES = {case.name: case for case in cases("crewai")}


@pytest.fixture(scope="module")
def flights() -> dict[str, Flight]:
    """All of them, in one child."""
    return {flight.case.name: flight for flight in flown(here(), "ours", CASES.values())}


@pytest.mark.parametrize("name", CASES)
def test_a_case_goes_as_it_says(flights: dict[str, Flight], name: str) -> None:
    assert (flights[name].trouble, flights[name].absent) == ("", "")


@pytest.mark.parametrize("name", CASES)
def test_ours_tells_all_of_it(flights: dict[str, Flight], name: str) -> None:
    seen = counted(flights[name], told(flights[name]))
    assert {measure: count for measure, count in seen if not count.whole} == {}


@pytest.mark.parametrize("name", CASES)
def test_whoever_asks_has_a_turn(flights: dict[str, Flight], name: str) -> None:
    asked = {one.lane for one in flights[name].exchanges if one.path.endswith("/chat/completions")}
    assert asked == set(CASES[name].turns)


@pytest.mark.parametrize("name", CASES)
def test_each_look_up_that_is_asked_for_runs(flights: dict[str, Flight], name: str) -> None:
    ran = Counter(str(tool["agent"]) for tool in flights[name].tools)
    assert ran == Counter(
        line["lane"] for line in CASES[name].lines for _ in line["reply"].get("tool_calls", ())
    )


@pytest.mark.parametrize("case", CASES.values(), ids=str)
def test_work_is_handed_between_those_who_have_a_turn(case: Case) -> None:
    assert {agent for pair in case.handoffs for agent in pair} <= set(case.turns)


def test_a_run_of_its_own_may_be_a_tree_of_its_own(flights: dict[str, Flight]) -> None:
    assert len(told(flights["for_each"]).roots) == CASES["for_each"].trees == 3


def test_a_look_up_that_raises_is_told_of() -> None:
    world = World("http://127.0.0.1:1/v1")
    with pytest.raises(LookupError):
        Lookup(world, "scout").run(place=NOWHERE)
    assert world.tools == [{"agent": "scout", "tool": "lookup", "raised": True}]


def test_a_look_up_holds_what_no_model_is_sent(flights: dict[str, Flight]) -> None:
    assert CREDENTIAL in repr(Lookup(World("http://127.0.0.1:1/v1"), "scout"))
    assert not any(CREDENTIAL in str(one.request) for one in flights["sequential"].exchanges)
