"""The figures are found, and the writer is never given them: the briefing says there is no data.

The synthesist's task names the charter as its context, and so gets that alone; the charter says
that where there is no data the briefing says so, and so it does. A check of a text without figures
finds no fault. Look at the handoffs before the synthesist's turn: of what the specialist found, and
of what the analyst made of it, not one figure arrives.
"""

from scenarios.expectations import concludes, ends, hands_off, output_keeps, output_lacks
from scenarios.expectations.figures import measures, repeats, states
from scenarios.expectations.prompts import hands_figures, is_not_told, loses_figures
from scenarios.expectations.tools import calls
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given

CHARTER_ALONE = {
    "charter": (),
    "figures": ("charter",),
    "analysis": ("charter", "figures"),
    "briefing": ("charter",),
}
"""The mistake: `context` is taken to add to what a task is given; it is all that it is given."""

SUMMARY_SUFFICES = CHARTER_ALONE | {"briefing": ("charter", "analysis")}

SCENARIO = Scenario(
    mode="FM-2.4 information withholding",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:briefing",
    task=(
        "Write a briefing on growth (NY.GDP.MKTP.KD.ZG) and inflation (FP.CPI.TOTL.ZG)"
        " in the USA in ${year}."
    ),
    inputs={
        "year": one_of("2023", "2022", "2021", "2019"),
        "growth": between(0.6, 3.2, published=2.88755600749487, places=6),
        "inflation": between(3.6, 9.4, published=4.11633838374488, places=6),
    },
    services=("world_bank",),
    broken=given(contexts=CHARTER_ALONE),
    fixed=given(),
    twin=given(contexts=SUMMARY_SUFFICES),
    expect_broken=(
        ends("OK"),
        concludes("verified"),
        calls("specialist", "world_bank_indicator", times=2),
        repeats("world_bank_indicator", of="specialist", by=("specialist", "analyst")),
        hands_off("lead", "synthesist"),
        loses_figures("specialist", "synthesist"),
        loses_figures("analyst", "synthesist"),
        states("synthesist", figures_at_most=0),
        measures("validation.report_number_count", 0),
        output_keeps("there is no data"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("verified"),
        hands_off("specialist", "synthesist"),
        hands_figures("specialist", "synthesist"),
        states("synthesist", figures_at_least=2),
        repeats("world_bank_indicator", of="specialist", by=("synthesist",)),
        output_lacks("no data"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        hands_off("analyst", "synthesist"),
        is_not_told("synthesist", "says the World Bank"),
        hands_figures("specialist", "synthesist"),
        states("synthesist", figures_at_least=2),
        repeats("world_bank_indicator", of="specialist", by=("synthesist",)),
        output_lacks("no data"),
    ),
    origin=Origin("synthesist", "specialist → synthesist"),
)
