"""The endpoint never answers the generator's request, and the run hangs without an error.

Without a timeout no log shows an error: the broken run ends only because the player cancels it, as
a person would. Look at the generator's completion, which was still open then. With a timeout the
trace names the attempt that timed out, and the next attempt is answered.
"""

from scenarios.expectations import (
    ends_with_status,
    has_failed_attempts,
    last_completion_ends,
    reaches_outcome,
    takes_turns,
)
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
        ends_with_status("ERROR", message="cancelled"),
        last_completion_ends("generator", status="ERROR", message="cancelled"),
        takes_turns("generator", 1),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("approved"),
        has_failed_attempts("ReadTimeout", agent="generator"),
        takes_turns("generator", 2),
    ),
    origin=FailureOrigin("generator", "chat_completion"),
)
