"""The connection closes in the middle of a streamed draft, and half of it is taken for all.

To the stock client the end of the connection is the end of the answer. The reviewer finds nothing
wrong in what is there, and the summary stands on half of it. Look at the generator's completion: it
ended without a finish reason.
"""

from typing import TYPE_CHECKING, Any

from scenarios.expectations import (
    ends_with_status,
    last_completion_ends,
    never_runs,
    output_lacks,
    reaches_outcome,
)
from scenarios.replay.faults import cuts_stream
from scenarios.scenario import Origin, Scenario, variant_with

if TYPE_CHECKING:
    from autogen_ext.models.openai import OpenAIChatCompletionClient


def any_answer(**settings: Any) -> "OpenAIChatCompletionClient":
    """The mistake: a client that does not ask whether the model said that it was done."""
    from autogen_ext.models.openai import OpenAIChatCompletionClient  # so that `check` loads none

    return OpenAIChatCompletionClient(**settings)


def watched(agent: str, text: str) -> None:
    """Somebody watches the text appear, and so the agents stream."""


SCENARIO = Scenario(
    failure_mode="FM-3.2 no or incomplete verification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(cuts_stream("generator", call=1, after_frame=40, ends_cleanly=True),),
    broken=variant_with(client=any_answer, on_text=watched),
    fixed=variant_with(on_text=watched).raising(RuntimeError, "TruncatedAnswerError"),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("approved"),
        last_completion_ends("generator", status="ERROR", message="finish reason"),
        output_lacks(r"4\.45"),
    ),
    expect_fixed=(
        ends_with_status("ERROR", message="TruncatedAnswerError"),
        last_completion_ends("generator", status="ERROR"),
        never_runs("reviewer"),
    ),
    origin=Origin("generator", "OpenAIChatCompletionClient.create_stream"),
)
