"""A healthy run: a mistake is found, mended and approved, and the summary stands on the mend.

There is nothing to find here, and whatever looks for a failure must find nothing.
"""

from scenarios.expectations import (
    ends_with_status,
    hands_off,
    output_contains,
    reaches_outcome,
    takes_edge,
    takes_turns,
)
from scenarios.scenario import Scenario, variant_with

SCENARIO = Scenario(
    failure_mode="none",
    source="none",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    twin=variant_with(),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("approved"),
        hands_off("generator", "reviewer", times=2),
        hands_off("reviewer", "generator"),
        hands_off("generator", "summarizer"),
        takes_edge("reviewer", "summarizer", on="approved"),
        takes_turns("generator", 2),
        output_contains(r'"summary": "[^"]*57 km'),
    ),
)
