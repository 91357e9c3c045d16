"""The manager assigns the search for figures to the writer, which has no tool to search with.

The manager's prompt names four coworkers, but not what each of them can do. The writer answers,
truthfully, that it has no data; the manager passes the answer on, and the briefing that says so is
verified, because a text without figures has no wrong ones. Look at the delegations: the specialist,
which has the tool, never has a turn, and the World Bank receives no request.
"""

from scenarios.expectations import (
    calls_tool,
    delegates_to,
    delegates_without_calling,
    ends_with_status,
    has_root_attribute,
    never_runs,
    output_contains,
    output_lacks,
    reaches_outcome,
    repeats_tool_figures,
    states_figures,
)
from scenarios.scenario import FailureOrigin, Scenario, Variant
from scenarios.scenario_inputs import number_between, one_of

ALL_THREE = ("specialist", "analyst", "synthesist")

SCENARIO = Scenario(
    failure_mode="misrouted delegation",
    source="practitioners' reports",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in France (FRA) in ${year}.",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "value": number_between(1.1, 9.4, published=4.8783572650844, places=6),
    },
    services=("world_bank",),
    broken=Variant("ManagerSeesNamesOnly"),
    fixed=Variant("ManagerSeesTools"),
    twin=Variant("ManagerReassignsTasks"),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        delegates_to("manager", "synthesist", times=2),
        delegates_without_calling("figures", tool="world_bank_indicator"),
        has_root_attribute("flight_recorder.routing.failed_delegations", 1),
        never_runs("specialist"),
        states_figures("analyst", at_most=0),
        states_figures("synthesist", at_most=0),
        calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        has_root_attribute("flight_recorder.validation.report_number_count", 0),
        output_contains("There is no data"),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        delegates_to("manager", "specialist"),
        delegates_to("manager", "synthesist"),
        has_root_attribute("flight_recorder.routing.failed_delegations", 0),
        calls_tool("specialist", "world_bank_indicator", times=1),
        repeats_tool_figures("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        output_lacks("no data"),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        delegates_to("manager", "synthesist", times=2),
        delegates_to("manager", "specialist"),
        has_root_attribute("flight_recorder.routing.failed_delegations", 1),
        calls_tool("specialist", "world_bank_indicator", times=1),
        repeats_tool_figures("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        output_lacks("no data"),
    ),
    origin=FailureOrigin("manager", "manager → synthesist", task="figures"),
)
