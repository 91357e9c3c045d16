"""A year is not published yet, the API returns an empty list, and the specialist fills in a figure.

An empty list with status 200 says nothing, so the specialist repeats the figure of the year before.
The number is in the sources, for another year, so the note is grounded and the check passes. Look
at the specialist's second tool call: its result is empty, and yet the specialist then notes a
figure for that year.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

ALL_THREE = ("specialist", "analyst", "synthesist")

SAYS_NO_DATA = (
    expect.writes_state("specialist", grounded=True),
    expect.states_figures("synthesist", at_least=1, at_most=1),
    expect.has_root_attribute("flight_recorder.validation.unmatched_number_count", 0),
    expect.output_contains(r"for \d{4} there is no data"),
)

SCENARIO = Scenario(
    failure_mode="hallucination after an empty tool result",
    source="practitioners' reports",
    workflow="workflows.crew_finance:FinanceCrew",
    task=(
        "Write a briefing on inflation (FP.CPI.TOTL.ZG) in ${country}"
        " in ${before} ${and_also} ${year}."
    ),
    inputs={
        "country": one_of("FRA", "DEU", "JPN", "MEX"),
        "before": one_of("2025", "2024", "2023"),
        "and_also": one_of("and in"),
        "year": one_of("2026", "2027", "2028"),
        "value": number_between(0.6, 9.4, published=0.943770212469976, places=6),
    },
    services=("world_bank",),
    broken=Variant("ReturnsEmptyList"),
    twin=Variant("ReturnsEmptyList").about(and_also=one_of("and, if it is out, in")),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=2),
        expect.writes_state("specialist", grounded=True),
        expect.invents_missing_figure(
            "world_bank_indicator", called_by="specialist", stated_by=ALL_THREE
        ),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        expect.output_lacks("no data"),
    ),
    expect_fixed=(
        expect.reaches_outcome("no data"),
        expect.calls_tool("specialist", "world_bank_indicator", times=2, returning='"value": '),
        *SAYS_NO_DATA,
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=2),
        *SAYS_NO_DATA,
    ),
    origin=FailureOrigin("specialist", "world_bank_indicator"),
)
