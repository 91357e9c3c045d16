"""The endpoint never answers the generator's request, and the run hangs without an error.

Without a timeout no log shows an error: the broken run ends only because the player cancels it, as
a person would. Look at the generator's completion, which was still open then. With a timeout the
trace names the attempt that timed out, and the next attempt is answered.
"""

from scenarios import expectations as expect
from scenarios.replay.faults import hangs
from scenarios.scenario import FailureOrigin, Scenario, Variant

SCENARIO = Scenario(
    failure_mode="silent stall",
    source="practitioners' reports",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(hangs("generator", call=1),),
    broken=Variant("WaitsForever").stopped_after(1.0, lane="generator", calls=1),
    fixed=Variant("WaitsOneSecond"),
    expect_broken=(
        expect.ends_with_status("ERROR", message="cancelled"),
        expect.last_completion_ends("generator", status="ERROR", message="cancelled"),
        expect.takes_turns("generator", 1),
    ),
    expect_fixed=(
        expect.reaches_outcome("approved"),
        expect.has_failed_attempts("ReadTimeout", agent="generator"),
        expect.takes_turns("generator", 2),
    ),
    origin=FailureOrigin("generator", "chat_completion"),
)
