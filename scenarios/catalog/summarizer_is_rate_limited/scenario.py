"""The last of five completions is rate-limited for one second, and all work before it is lost.

The endpoint answers 429 with a Retry-After header. Look below the summarizer's completion: there is
the refused attempt, with the wait that the endpoint asked for.
"""

from scenarios import expectations as expect
from scenarios.replay.faults import rate_limited
from scenarios.scenario import FailureOrigin, Scenario, Variant

SCENARIO = Scenario(
    failure_mode="a transient error loses finished work",
    source="practitioners' reports; RFC 9110, section 10.2.3 (Retry-After)",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(rate_limited("summarizer", call=1, retry_after_s=1.0),),
    broken=Variant("NeverRetries").raising(RuntimeError, "RateLimitError"),
    expect_broken=(
        expect.ends_with_status("ERROR", message="RateLimitError"),
        expect.hands_off("generator", "summarizer"),
        expect.has_failed_attempts("HTTP 429", agent="summarizer"),
        expect.last_completion_ends("summarizer", status="ERROR"),
    ),
    expect_fixed=(
        expect.reaches_outcome("approved"),
        expect.has_failed_attempts("HTTP 429", agent="summarizer"),
        expect.last_completion_ends("summarizer", status="OK"),
        expect.output_contains(r'"summary": "[^"]*57 km'),
    ),
    origin=FailureOrigin("summarizer", "HTTP 429"),
)
