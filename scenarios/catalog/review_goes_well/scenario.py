"""A healthy run: a mistake is found, mended and approved, and the summary stands on the mend.

There is nothing to find here, and whatever looks for a failure must find nothing.
"""

from scenarios.expectations import concludes, ends, hands_off, output_keeps, takes_edge, takes_turns
from scenarios.scenario import Scenario, given

SCENARIO = Scenario(
    mode="none",
    source="none",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    twin=given(),
    expect_twin=(
        ends("OK"),
        concludes("approved"),
        hands_off("generator", "reviewer", times=2),
        hands_off("reviewer", "generator"),
        hands_off("generator", "summarizer"),
        takes_edge("reviewer", "summarizer", on="approved"),
        takes_turns("generator", 2),
        output_keeps(r'"summary": "[^"]*57 km'),
    ),
)
