"""The charter forbids advice, two later prompts lack the charter, and the briefing gives advice.

Each figure is right and the check finds no fault, since what was lost is no figure but a rule. Look
at the handoffs of the lead: the specialist is given the charter, the analyst and the synthesist are
given nothing of it. The analyst hints, and the synthesist makes a recommendation of the hint.
"""

from scenarios.expectations import concludes, ends, hands_off, loses, output_keeps, output_lacks
from scenarios.expectations.figures import measures
from scenarios.expectations.prompts import is_not_told, is_told
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given

RULES_FOR_THE_FIRST = {
    "charter": (),
    "figures": ("charter",),
    "analysis": ("figures",),
    "briefing": ("figures", "analysis"),
}
"""The mistake: who works by the charter is taken to pass its rules on."""

RULE = "recommends nothing to buy"
HINT = "That speaks for bonds"
ADVICE = "Sell them, and buy"

SCENARIO = Scenario(
    mode="context decay",
    source="practitioners' reports",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in the USA in ${year} for ${readers}.",
    inputs={
        "year": one_of("2024", "2022", "2021", "2019"),
        "readers": one_of("holders of bonds"),
        "value": between(1.1, 9.4, published=2.94952520485207, places=6),
    },
    services=("world_bank",),
    broken=given(contexts=RULES_FOR_THE_FIRST),
    fixed=given(),
    twin=given().about(readers=one_of("the trustees of a supervised pension fund")),
    expect_broken=(
        ends("OK"),
        concludes("verified"),
        hands_off("lead", "specialist"),
        loses("lead", "analyst"),
        loses("lead", "synthesist"),
        is_not_told("analyst", RULE),
        is_not_told("synthesist", RULE),
        is_told("synthesist", HINT),
        measures("validation.unmatched_number_count", 0),
        output_keeps(ADVICE),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("verified"),
        hands_off("lead", "analyst"),
        hands_off("lead", "synthesist"),
        is_told("synthesist", RULE),
        is_not_told("synthesist", HINT),
        output_lacks(ADVICE),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        hands_off("lead", "analyst"),
        hands_off("lead", "synthesist"),
        is_told("synthesist", RULE),
        is_not_told("synthesist", HINT),
        output_lacks(ADVICE),
    ),
    origin=Origin("analyst", "lead → analyst"),
)
