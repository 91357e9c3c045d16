"""The summarizer is given the reviewer's verdict, but not the draft that it is to summarize.

The run succeeds, every span is OK, and the summary says nothing. Look at the two handoffs before
the summarizer's turn: all of the reviewer's verdict arrives, and nothing of the generator's draft.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant

SCENARIO = Scenario(
    failure_mode="FM-2.4 information withholding",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=Variant("ForwardsOnlyTheLastWord"),
    expect_broken=(
        expect.reaches_outcome("approved"),
        expect.loses_handoff("generator", "summarizer"),
        expect.hands_off("reviewer", "summarizer"),
        expect.output_contains(r'"summary": "A text was reviewed'),
    ),
    expect_fixed=(
        expect.reaches_outcome("approved"),
        expect.hands_off("generator", "summarizer"),
        expect.output_contains(r'"summary": "[^"]*226 km[^"]*57 km[^"]*4\.45'),
    ),
    origin=FailureOrigin("summarizer", "generator → summarizer"),
)
