"""The reviewer's notes never reach the generator, and the figure that it flagged stands unchanged.

The generator has a turn after the review, as it should, and writes the same again: a filter meant
to keep it to its task keeps the notes from it. Look at the handoff from reviewer to generator.
"""

from scenarios.expectations import (
    hands_off,
    loses_handoff,
    output_contains,
    output_lacks,
    takes_turns,
)
from scenarios.scenario import Origin, Scenario, variant_with

THE_TASK_ALONE = ("user",)
"""The mistake: the generator is shielded from everything but its task."""

SCENARIO = Scenario(
    failure_mode="FM-2.5 ignored other agent's input",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=variant_with(generator_reads=THE_TASK_ALONE),
    fixed=variant_with(),
    expect_broken=(
        loses_handoff("reviewer", "generator"),
        takes_turns("generator", 2),
        output_contains(r'"summary": "[^"]*57 miles'),
    ),
    expect_fixed=(
        hands_off("reviewer", "generator"),
        takes_turns("generator", 2),
        output_contains(r'"summary": "[^"]*57 km'),
        output_lacks("57 miles"),
    ),
    origin=Origin("generator", "reviewer → generator"),
)
