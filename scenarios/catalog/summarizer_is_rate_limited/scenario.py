"""The last of five completions is refused for a second, and all the work before it is lost.

The endpoint answers 429 and says when to come again. Look beneath the summarizer's completion: the
attempt that was refused stands there, with what the endpoint asked for.
"""

from scenarios.expectations import (
    ends_with_status,
    hands_off,
    has_failed_attempts,
    last_completion_ends,
    output_contains,
    reaches_outcome,
)
from scenarios.replay.faults import rate_limited
from scenarios.scenario import Origin, Scenario, variant_with

NO_RETRIES = 0
"""The mistake: the first refusal ends the run, though the endpoint says when to come again."""

SCENARIO = Scenario(
    failure_mode="a transient error loses finished work",
    source="practitioners' reports; RFC 9110, section 10.2.3 (Retry-After)",
    workflow="workflows.graphflow_review:review",
    task="Write a briefing of four sentences on the loss of Mars Climate Orbiter, with altitudes.",
    faults=(rate_limited("summarizer", call=1, retry_after_s=1.0),),
    broken=variant_with(retries=NO_RETRIES).raising(RuntimeError, "RateLimitError"),
    fixed=variant_with(),
    expect_broken=(
        ends_with_status("ERROR", message="RateLimitError"),
        hands_off("generator", "summarizer"),
        has_failed_attempts("HTTP 429", agent="summarizer"),
        last_completion_ends("summarizer", status="ERROR"),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("approved"),
        has_failed_attempts("HTTP 429", agent="summarizer"),
        last_completion_ends("summarizer", status="OK"),
        output_contains(r'"summary": "[^"]*57 km'),
    ),
    origin=Origin("summarizer", "HTTP 429"),
)
