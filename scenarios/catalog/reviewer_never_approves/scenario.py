"""The reviewer asks for what nobody can give, and the last objection is sold as the result.

Nothing but a cap on rounds ends the run, and nobody says that it was the cap: the caller takes the
last message for the summary. Look at the root: its outcome says approved, and in it no summarizer
has had a turn.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import (
    never_runs,
    output_contains,
    reaches_outcome,
    takes_turns,
)
from scenarios.scenario import Origin, Scenario, variant_with

if TYPE_CHECKING:
    from workflows.graphflow_review import Review
    from workflows.hearing import Messages


def the_last_message(messages: "Messages") -> "Review":
    """The mistake: whatever was said last is the summary, whoever said it."""
    from workflows.graphflow_review import Review  # here, so that `check` loads no framework

    *_, draft, last = (message.to_text() for message in messages)
    return Review("approved", draft, summary=last)


SCENARIO = Scenario(
    failure_mode="FM-1.5 unaware of termination conditions",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=variant_with(concludes=the_last_message),
    fixed=variant_with(),
    expect_broken=(
        reaches_outcome("approved"),
        takes_turns("reviewer", 3),
        never_runs("summarizer"),
        output_contains(r'"summary": "(\\.|[^"\\])*Cite the page'),
    ),
    expect_fixed=(
        reaches_outcome("out of rounds"),
        takes_turns("reviewer", 3),
        output_contains(r'"summary": null'),
        never_runs("summarizer"),
        output_contains(r'"objections": "[^"]*Cite the page'),
        output_contains(r'"draft": "Mars Climate Orbiter was lost'),
    ),
    origin=Origin("reviewer", "review"),
    unreached_agents=("summarizer",),
)
