"""The charter forbids advice, two later prompts lack the charter, and the briefing gives advice.

Every figure is right, and the check finds no fault: a rule was lost, not a figure. Look at the
handoffs from the lead: the specialist is given the charter, the analyst and the synthesist are not.
The analyst drops a hint, and the synthesist turns the hint into a recommendation.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

RULE = "recommends nothing to buy"
HINT = "That speaks for bonds"
ADVICE = "Sell them, and buy"

RULE_IS_KEPT = (
    expect.reaches_outcome("verified"),
    expect.hands_off("lead", "analyst"),
    expect.hands_off("lead", "synthesist"),
    expect.every_prompt_contains("synthesist", RULE),
    expect.no_prompt_contains("synthesist", HINT),
    expect.output_lacks(ADVICE),
)

SCENARIO = Scenario(
    failure_mode="context decay",
    source="practitioners' reports",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in the USA in ${year} for ${readers}.",
    inputs={
        "year": one_of("2024", "2022", "2021", "2019"),
        "readers": one_of("holders of bonds"),
        "value": number_between(1.1, 9.4, published=2.94952520485207, places=6),
    },
    services=("world_bank",),
    broken=Variant("GivesCharterToSpecialistOnly"),
    twin=Variant().about(readers=one_of("the trustees of a supervised pension fund")),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.hands_off("lead", "specialist"),
        expect.loses_handoff("lead", "analyst"),
        expect.loses_handoff("lead", "synthesist"),
        expect.no_prompt_contains("analyst", RULE),
        expect.no_prompt_contains("synthesist", RULE),
        expect.every_prompt_contains("synthesist", HINT),
        expect.has_root_attribute("flight_recorder.validation.unmatched_number_count", 0),
        expect.output_contains(ADVICE),
    ),
    expect_fixed=RULE_IS_KEPT,
    expect_twin=RULE_IS_KEPT,
    origin=FailureOrigin("analyst", "lead → analyst"),
)
