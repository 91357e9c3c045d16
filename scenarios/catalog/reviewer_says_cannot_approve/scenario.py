"""The reviewer writes "I cannot APPROVE this", and the graph takes it for approval.

The edge looks for a word, and the word is there. Look for the reviewer's turn, then at the edge
that was taken after it, and on which condition.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import (
    hands_off,
    output_contains,
    output_lacks,
    takes_edge,
    takes_turns,
)
from scenarios.scenario import Origin, Scenario, variant_with

if TYPE_CHECKING:
    from autogen_agentchat.messages import BaseChatMessage


def says_approve(message: "BaseChatMessage") -> bool:
    """The mistake: a decision is looked for in prose."""
    return "approve" in message.to_model_text().lower()


SCENARIO = Scenario(
    failure_mode="FM-3.1 premature termination",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=variant_with(approves=says_approve),
    fixed=variant_with(),
    expect_broken=(
        takes_edge("reviewer", "summarizer", on="says_approve"),
        takes_turns("generator", 1),
        output_contains(r'"summary": "[^"]*57 miles'),
    ),
    expect_fixed=(
        hands_off("reviewer", "generator"),
        takes_edge("reviewer", "summarizer", on="approved"),
        takes_turns("generator", 2),
        output_contains(r'"summary": "[^"]*57 km'),
        output_lacks("57 miles"),
    ),
    origin=Origin("reviewer", "reviewer → summarizer"),
)
