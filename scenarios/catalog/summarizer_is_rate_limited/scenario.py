"""The last of five completions is refused for a second, and all the work before it is lost.

The endpoint answers 429 and says when to come again. Look beneath the summarizer's completion: the
attempt that was refused stands there, with what the endpoint asked for.
"""

from scenarios.expectations import completes, concludes, ends, hands_off, meets, output_keeps
from scenarios.replay.faults import rate_limited
from scenarios.scenario import Origin, Scenario, given

NO_RETRIES = 0
"""The mistake: the first refusal ends the run, though the endpoint says when to come again."""

SCENARIO = Scenario(
    mode="a transient error loses finished work",
    source="practitioners' reports; RFC 9110, section 10.2.3 (Retry-After)",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(rate_limited("summarizer", call=1, retry_after_s=1.0),),
    broken=given(retries=NO_RETRIES).raising(RuntimeError, "RateLimitError"),
    fixed=given(),
    expect_broken=(
        ends("ERROR", saying="RateLimitError"),
        hands_off("generator", "summarizer"),
        meets("HTTP 429", agent="summarizer"),
        completes("summarizer", status="ERROR"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("approved"),
        meets("HTTP 429", agent="summarizer"),
        completes("summarizer", status="OK"),
        output_keeps(r'"summary": "[^"]*57 km'),
    ),
    origin=Origin("summarizer", "HTTP 429"),
)
