"""The summarizer is handed the reviewer's verdict, and never the draft that it is to sum up.

The run succeeds, every span is OK, and the summary is a sentence about nothing. Look at the two
handoffs before the summarizer's turn: the reviewer's verdict arrives whole, and of the generator's
draft nothing does, though the team had it to give.
"""

from scenarios.expectations import (
    ends_with_status,
    hands_off,
    loses_handoff,
    output_contains,
    reaches_outcome,
)
from scenarios.scenario import Origin, Scenario, variant_with

THE_LAST_WORD = ("reviewer",)
"""The mistake: a filter set by who speaks last, as if the reviewer passed the draft on."""

SCENARIO = Scenario(
    failure_mode="FM-2.4 information withholding",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=variant_with(summarizer_reads=THE_LAST_WORD),
    fixed=variant_with(),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("approved"),
        loses_handoff("generator", "summarizer"),
        hands_off("reviewer", "summarizer"),
        output_contains(r'"summary": "A text was reviewed'),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("approved"),
        hands_off("generator", "summarizer"),
        output_contains(r'"summary": "[^"]*226 km[^"]*57 km[^"]*4\.45'),
    ),
    origin=Origin("summarizer", "generator → summarizer"),
)
