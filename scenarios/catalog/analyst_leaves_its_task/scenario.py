"""The analyst looks up another series than the one requested, and the briefing is about that one.

The specialist finds the requested figure, and the analyst has it in its prompt. But the analyst can
look figures up itself, as every agent of this crew can: it leaves the request, takes over the
specialist's role, and analyses what it found. Every figure has a source, and the check finds no
fault. Look at the analyst's own world_bank_indicator: nothing that it was given asks for this code.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="FM-2.3 task derailment",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on ${what} in Italy (ITA) in ${year}.",
    inputs={
        "what": one_of("inflation (FP.CPI.TOTL.ZG)"),
        "year": one_of("2023", "2022", "2021", "2018"),
        "inflation": number_between(1.1, 4.9, published=5.62, places=2),
        "growth": number_between(5.1, 9.4, published=0.7, places=1),
    },
    services=("world_bank",),
    broken=Variant("GivesEveryAgentEveryTool"),
    twin=Variant("GivesEveryAgentEveryTool").about(
        what=one_of("inflation (FP.CPI.TOTL.ZG) and growth (NY.GDP.MKTP.KD.ZG)")
    ),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1, returning="Inflation"),
        expect.hands_off("specialist", "analyst"),
        expect.calls_tool("analyst", "world_bank_indicator", times=1, returning="GDP growth"),
        expect.never_calls_tool("analyst", "recall_figure"),
        expect.output_lacks("[Ii]nflation"),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1, returning="Inflation"),
        expect.never_calls_tool("analyst", "world_bank_indicator"),
        expect.calls_tool("analyst", "recall_figure", times=1),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("analyst", "synthesist")
        ),
        expect.output_lacks("GDP"),
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1, returning="Inflation"),
        expect.calls_tool("analyst", "world_bank_indicator", times=1, returning="GDP growth"),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("analyst", "synthesist")
        ),
        expect.output_contains("[Ii]nflation.*GDP"),
    ),
    origin=FailureOrigin("analyst", "world_bank_indicator"),
)
