"""A healthy briefing: the figures are looked up, noted, recalled, cited and checked.

There is no failure in this run, and a diagnosis must not find one.
"""

from scenarios import expectations as expect
from scenarios.scenario import Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    workflow="workflows.crew_finance:FinanceCrew",
    task="Compare consumer price inflation in France and Germany in ${year}.",
    inputs={
        "year": one_of("2023", "2022", "2021", "2019"),
        "france": number_between(0.5, 9.5, published=4.87835726508441, places=2),
        "germany": number_between(0.5, 9.5, published=5.94643667725823, places=2),
    },
    services=("world_bank",),
    twin=Variant(),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.hands_off("lead", "specialist"),
        expect.hands_off("specialist", "analyst"),
        expect.hands_off("lead", "synthesist"),
        expect.hands_off("analyst", "synthesist"),
        expect.calls_tool("specialist", "world_bank_indicator", times=2, returning='"cite": "'),
        expect.writes_state("specialist", grounded=True, times=2),
        expect.reads_state("analyst", returning='"source": "world_bank_indicator"'),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("analyst", "synthesist")
        ),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        expect.has_root_attribute("flight_recorder.validation.unmatched_number_count", 0),
        expect.never_loops(),
        expect.has_root_attribute("flight_recorder.state.ungrounded_write_count", 0),
    ),
)
