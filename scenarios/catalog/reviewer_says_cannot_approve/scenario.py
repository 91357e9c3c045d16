"""The reviewer writes "I cannot APPROVE this", and the graph takes it for approval.

The condition of the edge looks for a word, and finds it. Look at the reviewer's turn, then at the
handoff after it: it names the edge's condition.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant

SCENARIO = Scenario(
    failure_mode="FM-3.1 premature termination",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=Variant("SearchesForTheWord"),
    expect_broken=(
        expect.takes_edge("reviewer", "summarizer", on="SearchesForTheWord.is_approval"),
        expect.takes_turns("generator", 1),
        expect.output_contains(r'"summary": "[^"]*57 miles'),
    ),
    expect_fixed=(
        expect.hands_off("reviewer", "generator"),
        expect.takes_edge("reviewer", "summarizer", on="GraphFlowReview.is_approval"),
        expect.takes_turns("generator", 2),
        expect.output_contains(r'"summary": "[^"]*57 km'),
        expect.output_lacks("57 miles"),
    ),
    origin=FailureOrigin("reviewer", "reviewer → summarizer"),
)
