"""The generator never gets the reviewer's notes, and repeats the figure that the reviewer rejected.

The generator has a turn after the review, as it should, but writes the same text again: a filter
that is meant to keep it to its task removes the notes. Look at the handoff from reviewer to
generator.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant

SCENARIO = Scenario(
    failure_mode="FM-2.5 ignored other agent's input",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=Variant("HidesTheReview"),
    expect_broken=(
        expect.loses_handoff("reviewer", "generator"),
        expect.takes_turns("generator", 2),
        expect.output_contains(r'"summary": "[^"]*57 miles'),
    ),
    expect_fixed=(
        expect.hands_off("reviewer", "generator"),
        expect.takes_turns("generator", 2),
        expect.output_contains(r'"summary": "[^"]*57 km'),
        expect.output_lacks("57 miles"),
    ),
    origin=FailureOrigin("generator", "reviewer → generator"),
)
