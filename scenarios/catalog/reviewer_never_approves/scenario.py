"""The reviewer asks for what nobody can give, and the last objection is sold as the result.

Nothing but a cap on rounds ends the run, and nobody says that it was the cap: the caller takes the
last message for the summary. Look at the root: its outcome says approved, and in it no summarizer
has had a turn.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import concludes, never_reaches, output_keeps, takes_turns
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from workflows.graphflow_review import Review
    from workflows.hearing import Messages


def the_last_message(messages: "Messages") -> "Review":
    """The mistake: whatever was said last is the summary, whoever said it."""
    from workflows.graphflow_review import Review  # here, so that `check` loads no framework

    *_, draft, last = (message.to_text() for message in messages)
    return Review("approved", draft, summary=last)


SCENARIO = Scenario(
    mode="FM-1.5 unaware of termination conditions",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    broken=given(concludes=the_last_message),
    fixed=given(),
    expect_broken=(
        concludes("approved"),
        takes_turns("reviewer", 3),
        never_reaches("summarizer"),
        output_keeps(r'"summary": "(\\.|[^"\\])*Cite the page'),
    ),
    expect_fixed=(
        concludes("out of rounds"),
        takes_turns("reviewer", 3),
        output_keeps(r'"summary": null'),
        never_reaches("summarizer"),
        output_keeps(r'"objections": "[^"]*Cite the page'),
        output_keeps(r'"draft": "Mars Climate Orbiter was lost'),
    ),
    origin=Origin("reviewer", "review"),
    agents=("summarizer",),
)
