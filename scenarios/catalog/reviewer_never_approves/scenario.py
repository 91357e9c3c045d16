"""The reviewer never approves, and its last objection is returned as the result.

Only the limit on rounds ends the run, and the caller does not notice: it takes the last message for
the summary. Look at the root: its outcome is "approved", but the summarizer never had a turn.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant

SCENARIO = Scenario(
    failure_mode="FM-1.5 unaware of termination conditions",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=Variant("ReturnsTheLastMessage"),
    expect_broken=(
        expect.reaches_outcome("approved"),
        expect.takes_turns("reviewer", 3),
        expect.never_runs("summarizer"),
        expect.output_contains(r'"summary": "(\\.|[^"\\])*Cite the page'),
    ),
    expect_fixed=(
        expect.reaches_outcome("out of rounds"),
        expect.takes_turns("reviewer", 3),
        expect.output_contains(r'"summary": null'),
        expect.never_runs("summarizer"),
        expect.output_contains(r'"objections": "[^"]*Cite the page'),
        expect.output_contains(r'"draft": "Mars Climate Orbiter was lost'),
    ),
    origin=FailureOrigin("reviewer", "review"),
    unreached_agents=("summarizer",),
)
