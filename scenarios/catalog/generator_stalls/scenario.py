"""The endpoint takes the generator's request and never answers; the run waits, and says nothing.

Without a deadline there is no error to see, in a log or anywhere: the broken run ends because the
player stops it, as a person would. Look at the generator's completion, which was still open then.
With a deadline the trace names the attempt that was given up, and the next one is answered.
"""

from scenarios.expectations import (
    ends_with_status,
    has_failed_attempts,
    last_completion_ends,
    reaches_outcome,
    takes_turns,
)
from scenarios.replay.faults import hangs
from scenarios.scenario import Origin, Scenario, variant_with

NO_DEADLINE = None
"""The mistake: a completion may take for ever."""

SCENARIO = Scenario(
    failure_mode="silent stall",
    source="practitioners' reports",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(hangs("generator", call=1),),
    broken=variant_with(deadline_s=NO_DEADLINE).stopped_after(1.0, lane="generator", calls=1),
    fixed=variant_with(deadline_s=1.0),
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
    origin=Origin("generator", "WholeAnswers.create"),
)
