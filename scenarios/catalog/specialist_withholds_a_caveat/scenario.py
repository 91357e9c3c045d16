"""A figure is provisional, its source says so, and the specialist passes on the figure alone.

The specialist is to answer with a form of two fields: figure and source. The caveat in the tool's
result has no place in the form, so nobody after the specialist knows of it, and the briefing states
a provisional figure without reserve. Every handoff arrives whole. Look at the result of
world_bank_indicator, and then at what the specialist made of it.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="FM-2.4 information withholding",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in Spain (ESP) in ${year}.",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "value": number_between(1.1, 9.4, published=3.5, places=1),
        "status": one_of("P", "E"),
    },
    services=("world_bank",),
    broken=Variant("AsksForTwoFieldsOnly"),
    twin=Variant("AsksForTwoFieldsOnly").about(status=one_of("")),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1, returning='"caveat"'),
        expect.hands_off("specialist", "analyst"),
        expect.hands_off("specialist", "synthesist"),
        expect.no_prompt_contains("synthesist", "final figure may differ"),
        expect.output_lacks("final figure|provisional|estimated"),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1, returning='"caveat"'),
        expect.every_prompt_contains("synthesist", "final figure may differ"),
        expect.output_contains("final figure may differ"),
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1, returning='"cite"'),
        expect.hands_off("specialist", "analyst"),
        expect.output_lacks("final figure|provisional|estimated"),
    ),
    origin=FailureOrigin("specialist", "chat_completion"),
)
