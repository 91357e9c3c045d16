"""A healthy run: the reviewer finds a mistake, the corrected draft is approved and summarized.

There is nothing to find here, and a diagnosis must find nothing.
"""

from scenarios import expectations as expect
from scenarios.scenario import Scenario, Variant

SCENARIO = Scenario(
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    twin=Variant(),
    expect_twin=(
        expect.reaches_outcome("approved"),
        expect.hands_off("generator", "reviewer", times=2),
        expect.hands_off("reviewer", "generator"),
        expect.hands_off("generator", "summarizer"),
        expect.takes_edge("reviewer", "summarizer", on="GraphFlowReview.is_approval"),
        expect.takes_turns("generator", 2),
        expect.output_contains(r'"summary": "[^"]*57 km'),
    ),
)
