"""The connection closes in the middle of a streamed draft, and half a draft is used as a whole one.

AutoGen's client takes the end of the connection for the end of the answer. The reviewer finds no
mistake in the half that it is given, and the summary is based on it. Look at the generator's
completion: it ended without a finish reason.
"""

from scenarios import expectations as expect
from scenarios.replay.faults import cuts_stream
from scenarios.scenario import FailureOrigin, Scenario, Variant

SCENARIO = Scenario(
    failure_mode="FM-3.2 no or incomplete verification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(cuts_stream("generator", call=1, after_frame=40, ends_cleanly=True),),
    streams=True,
    broken=Variant("AcceptsHalfAnAnswer"),
    fixed=Variant().raising(RuntimeError, "TruncatedAnswerError"),
    expect_broken=(
        expect.reaches_outcome("approved"),
        expect.last_completion_ends("generator", status="ERROR", message="finish reason"),
        expect.output_lacks(r"4\.45"),
    ),
    expect_fixed=(
        expect.ends_with_status("ERROR", message="TruncatedAnswerError"),
        expect.last_completion_ends("generator", status="ERROR"),
        expect.never_runs("reviewer"),
    ),
    origin=FailureOrigin("generator", "chat_completion"),
)
