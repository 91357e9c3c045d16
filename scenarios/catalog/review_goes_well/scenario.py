"""A healthy run: the reviewer finds a mistake, the corrected draft is approved and summarized.

There is nothing to find here, and a diagnosis must find nothing.
"""

from scenarios.expectations import (
    ends_with_status,
    hands_off,
    output_contains,
    reaches_outcome,
    takes_edge,
    takes_turns,
)
from scenarios.scenario import Scenario, Variant

SCENARIO = Scenario(
    failure_mode="none",
    source="none",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    twin=Variant(),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("approved"),
        hands_off("generator", "reviewer", times=2),
        hands_off("reviewer", "generator"),
        hands_off("generator", "summarizer"),
        takes_edge("reviewer", "summarizer", on="GraphFlowReview.is_approval"),
        takes_turns("generator", 2),
        output_contains(r'"summary": "[^"]*57 km'),
    ),
)
