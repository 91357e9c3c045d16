"""The figures are found, but the writer never receives them: the briefing says there is no data.

The context of the synthesist's task lists the charter only, so the charter is all that it is given;
the charter says that where there is no data the briefing says so, and so it does. A check of a text
without figures finds no fault. Look at the handoffs before the synthesist's turn: not one figure of
the specialist or the analyst arrives.
"""

from scenarios.expectations import (
    calls_tool,
    ends_with_status,
    hands_off,
    hands_off_figures,
    has_root_attribute,
    loses_figures,
    no_prompt_contains,
    output_contains,
    output_lacks,
    reaches_outcome,
    repeats_tool_figures,
    states_figures,
)
from scenarios.scenario import FailureOrigin, Scenario, Variant
from scenarios.scenario_inputs import number_between, one_of

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
    fixed=Variant(),
    twin=Variant("GivesSynthesistTheAnalysis"),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        calls_tool("specialist", "world_bank_indicator", times=2),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("specialist", "analyst")
        ),
        hands_off("lead", "synthesist"),
        loses_figures("specialist", "synthesist"),
        loses_figures("analyst", "synthesist"),
        states_figures("synthesist", at_most=0),
        has_root_attribute("flight_recorder.validation.report_number_count", 0),
        output_contains("there is no data"),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        hands_off("specialist", "synthesist"),
        hands_off_figures("specialist", "synthesist"),
        states_figures("synthesist", at_least=2),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("synthesist",)
        ),
        output_lacks("no data"),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        hands_off("analyst", "synthesist"),
        no_prompt_contains("synthesist", "says the World Bank"),
        hands_off_figures("specialist", "synthesist"),
        states_figures("synthesist", at_least=2),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("synthesist",)
        ),
        output_lacks("no data"),
    ),
    origin=FailureOrigin("synthesist", "specialist → synthesist"),
)
