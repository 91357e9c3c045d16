"""The GDP of one quarter is reported as the GDP of a year, and three agents agree on it.

The tool returns the value and its date, but not that it covers one quarter. Some statistics give a
quarter's GDP at an annual rate, and the specialist assumes that this is one of them. The analyst
and the synthesist build on it, and the check passes, because it compares the agents' outputs with
each other. Look at the result of the specialist's tool call, and at what the specialist makes of
it.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

BARE_RESULT = r'^{"period": "[^"]+", "value": [\d.]+}$'
ALL_THREE = ("specialist", "analyst", "synthesist")

SCENARIO = Scenario(
    failure_mode="tool-output misreading",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.crew_finance:FinanceCrew",
    task=(
        "Write a briefing on the GDP of ${country} in ${quarter}"
        " (NYGDPMKTPSAKD, millions of constant 2010 US$)."
    ),
    inputs={
        "country": one_of("USA", "JPN", "MEX", "KOR"),
        "quarter": one_of("2025Q4", "2024Q1", "2023Q2", "2019Q3"),
        "value": number_between(210_000, 5_900_000, published=5354586.12, places=2),
    },
    services=("world_bank",),
    broken=Variant("TrustsItsAgents"),
    twin=Variant("AddsAnnualRate"),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1, returning=BARE_RESULT),
        expect.writes_state("specialist", grounded=True),
        expect.changes_period("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        expect.hands_off("specialist", "analyst"),
        expect.hands_off("analyst", "synthesist"),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        expect.output_contains(r'"claims_verified": true.* a year in \d{4}Q\d '),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.keeps_period("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        expect.checks_report_against("world_bank_indicator", called_by="specialist"),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        expect.output_contains(r" a quarter in \d{4}Q\d "),
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.keeps_period("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        expect.checks_report_against("world_bank_indicator", called_by="specialist"),
        expect.has_root_attribute("flight_recorder.validation.unmatched_number_count", 0),
        expect.output_contains(r" a quarter, or [\d.]+ annualised in \d{4}Q\d "),
    ),
    origin=FailureOrigin("specialist", "world_bank_indicator"),
)
