"""Each CrewAI case agrees with its ground truth, and our instrumentation records all of it."""

from collections import Counter
from pathlib import Path

import pytest

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.measures.run_counts import count_run
from integrations.measures.span_normalization import normalized_trace
from integrations.programs.case_context import TOOL_CREDENTIAL, CaseContext
from integrations.programs.crewai.building_blocks import UNKNOWN_PLACE, LookupTool
from integrations.runner.case_run import CaseRun, run_cases_in_child
from tests.support.forks.forking_python import forking_python

pytestmark = pytest.mark.long

CASES = {case.name: case for case in all_cases("crewai")}


@pytest.fixture(scope="module")
def runs() -> dict[str, CaseRun]:
    """All cases, run in one child process."""
    return {
        run.case.name: run
        for run in run_cases_in_child(Path(forking_python()), "ours", CASES.values())
    }


@pytest.mark.parametrize("name", CASES)
def test_a_run_agrees_with_its_ground_truth(runs: dict[str, CaseRun], name: str) -> None:
    assert (runs[name].problem, runs[name].unsupported) == ("", "")


@pytest.mark.parametrize("name", CASES)
def test_our_instrumentation_is_complete(runs: dict[str, CaseRun], name: str) -> None:
    counts = count_run(runs[name], normalized_trace(runs[name]))
    assert {measure: count for measure, count in counts if not count.is_equal} == {}


@pytest.mark.parametrize("name", CASES)
def test_every_lane_is_an_agent_with_a_turn(runs: dict[str, CaseRun], name: str) -> None:
    lanes = {
        exchange.lane
        for exchange in runs[name].exchanges
        if exchange.path.endswith("/chat/completions")
    }
    assert lanes == set(CASES[name].turns)


@pytest.mark.parametrize("name", CASES)
def test_every_scripted_tool_call_runs(runs: dict[str, CaseRun], name: str) -> None:
    tool_runs = Counter(str(tool["agent"]) for tool in runs[name].tools)
    assert tool_runs == Counter(
        line["lane"]
        for line in CASES[name].scripted_replies
        for _ in line["reply"].get("tool_calls", ())
    )


@pytest.mark.parametrize("case", CASES.values(), ids=str)
def test_handoffs_are_between_agents_with_a_turn(case: Case) -> None:
    assert {agent for pair in case.handoffs for agent in pair} <= set(case.turns)


def test_every_run_of_a_crew_may_have_a_tree_of_its_own(runs: dict[str, CaseRun]) -> None:
    assert len(normalized_trace(runs["for_each"]).roots) == CASES["for_each"].expected_trees == 3


def test_a_tool_run_that_raises_is_recorded() -> None:
    context = CaseContext("http://127.0.0.1:1/v1")
    with pytest.raises(LookupError):
        LookupTool(context, "scout").run(place=UNKNOWN_PLACE)
    assert context.tool_runs == [{"agent": "scout", "tool": "lookup", "raised": True}]


def test_a_tool_holds_a_credential_that_is_never_sent_to_a_model(runs: dict[str, CaseRun]) -> None:
    assert TOOL_CREDENTIAL in repr(LookupTool(CaseContext("http://127.0.0.1:1/v1"), "scout"))
    assert not any(
        TOOL_CREDENTIAL in str(exchange.request) for exchange in runs["sequential"].exchanges
    )
