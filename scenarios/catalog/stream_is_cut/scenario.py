"""The connection closes in the middle of a streamed draft, and half of it is taken for all.

To the stock client the end of the connection is the end of the answer. The reviewer finds nothing
wrong in what is there, and the summary stands on half of it. Look at the generator's completion: it
ended without a finish reason.
"""

from typing import TYPE_CHECKING, Any

from scenarios.expectations import completes, concludes, ends, never_reaches, output_lacks
from scenarios.replay.faults import cut
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from autogen_ext.models.openai import OpenAIChatCompletionClient


def any_answer(**settings: Any) -> "OpenAIChatCompletionClient":
    """The mistake: a client that does not ask whether the model said that it was done."""
    from autogen_ext.models.openai import OpenAIChatCompletionClient  # so that `check` loads none

    return OpenAIChatCompletionClient(**settings)


def watched(agent: str, text: str) -> None:
    """Somebody watches the text appear, and so the agents stream."""


SCENARIO = Scenario(
    mode="FM-3.2 no or incomplete verification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(cut("generator", call=1, after_frame=40, clean=True),),
    broken=given(client=any_answer, on_text=watched),
    fixed=given(on_text=watched).raising(RuntimeError, "AnswerCutShort"),
    expect_broken=(
        ends("OK"),
        concludes("approved"),
        completes("generator", status="ERROR", saying="finish reason"),
        output_lacks(r"4\.45"),
    ),
    expect_fixed=(
        ends("ERROR", saying="AnswerCutShort"),
        completes("generator", status="ERROR"),
        never_reaches("reviewer"),
    ),
    origin=Origin("generator", "OpenAIChatCompletionClient.create_stream"),
)
