"""The figures are found, but the writer never receives them: the briefing says there is no data.

The context of the synthesist's task lists the charter only, so the charter is all that it is given;
the charter says that where there is no data the briefing says so, and so it does. A check of a text
without figures finds no fault. Look at the handoffs before the synthesist's turn: not one figure of
the specialist or the analyst arrives.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

STATES_THE_FIGURES = (
    expect.hands_off_figures("specialist", "synthesist"),
    expect.states_figures("synthesist", at_least=2),
    expect.repeats_tool_figures(
        "world_bank_indicator", called_by="specialist", stated_by=("synthesist",)
    ),
    expect.output_lacks("no data"),
)

SCENARIO = Scenario(
    failure_mode="FM-2.4 information withholding",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:FinanceCrew",
    task=(
        "Write a briefing on growth (NY.GDP.MKTP.KD.ZG) and inflation (FP.CPI.TOTL.ZG)"
        " in the USA in ${year}."
    ),
    inputs={
        "year": one_of("2023", "2022", "2021", "2019"),
        "growth": number_between(0.6, 3.2, published=2.88755600749487, places=6),
        "inflation": number_between(3.6, 9.4, published=4.11633838374488, places=6),
    },
    services=("world_bank",),
    broken=Variant("GivesSynthesistCharterOnly"),
    twin=Variant("GivesSynthesistTheAnalysis"),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=2),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("specialist", "analyst")
        ),
        expect.hands_off("lead", "synthesist"),
        expect.loses_figures("specialist", "synthesist"),
        expect.loses_figures("analyst", "synthesist"),
        expect.states_figures("synthesist", at_most=0),
        expect.has_root_attribute("flight_recorder.validation.report_number_count", 0),
        expect.output_contains("there is no data"),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.hands_off("specialist", "synthesist"),
        *STATES_THE_FIGURES,
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.hands_off("analyst", "synthesist"),
        expect.no_prompt_contains("synthesist", "says the World Bank"),
        *STATES_THE_FIGURES,
    ),
    origin=FailureOrigin("synthesist", "specialist → synthesist"),
)
