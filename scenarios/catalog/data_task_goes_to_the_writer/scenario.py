"""The manager assigns the search for figures to the writer, which has no tool to search with.

The manager's prompt names four coworkers, but not what each of them can do. The writer answers,
truthfully, that it has no data; the manager passes the answer on, and the briefing that says so is
verified, because a text without figures has no wrong ones. Look at the delegations: the specialist,
which has the tool, never has a turn, and the World Bank receives no request.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

ALL_THREE = ("specialist", "analyst", "synthesist")

STATES_THE_FIGURE = (
    expect.calls_tool("specialist", "world_bank_indicator", times=1),
    expect.repeats_tool_figures(
        "world_bank_indicator", called_by="specialist", stated_by=ALL_THREE
    ),
    expect.output_lacks("no data"),
)

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
        expect.reaches_outcome("verified"),
        expect.delegates_to("manager", "synthesist", times=2),
        expect.delegates_without_calling("figures", tool="world_bank_indicator"),
        expect.has_root_attribute("flight_recorder.routing.failed_delegations", 1),
        expect.never_runs("specialist"),
        expect.states_figures("analyst", at_most=0),
        expect.states_figures("synthesist", at_most=0),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        expect.has_root_attribute("flight_recorder.validation.report_number_count", 0),
        expect.output_contains("There is no data"),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.delegates_to("manager", "specialist"),
        expect.delegates_to("manager", "synthesist"),
        expect.has_root_attribute("flight_recorder.routing.failed_delegations", 0),
        *STATES_THE_FIGURE,
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.delegates_to("manager", "synthesist", times=2),
        expect.delegates_to("manager", "specialist"),
        expect.has_root_attribute("flight_recorder.routing.failed_delegations", 1),
        *STATES_THE_FIGURE,
    ),
    origin=FailureOrigin("manager", "manager → synthesist", task="figures"),
)
