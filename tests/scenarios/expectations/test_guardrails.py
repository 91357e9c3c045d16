"""Expectations about guardrails that act: each can hold and fail, and explains its failure."""

import pytest

from instrumentation.trace import Span, Trace
from scenarios import expectations as expect
from scenarios.expectations import Expectation


def check(guardrail: str, reason: str = "", tool: str = "", limit: int | None = None) -> Span:
    prefix = "flight_recorder.guardrail."
    attributes = {f"{prefix}blocked": bool(reason), f"{prefix}reason": reason}
    more = {f"{prefix}tool": tool or None, f"{prefix}token_limit": limit}
    return Span(guardrail, "GUARDRAIL", attributes=attributes | more)


def describe(value: Expectation | str) -> str:
    """The name of a case; the default has the addresses of functions, which differ by process."""
    return value if isinstance(value, str) else value.description


NAMES = "breaker, breaker, budget, small_budget, judge, judge"
PASSED = "flight_recorder.guardrail.passed"
USAGE = {"mlflow.chat.tokenUsage": {"input_tokens": 90, "output_tokens": 10}}


TRACE = Trace(
    (
        Span(
            "payments",
            "CHAIN",
            children=(
                check("breaker", tool="read"),
                check("breaker", "called too often", tool="pay"),
                check("budget", limit=100),
                check("small_budget", limit=99),
                Span("judge", "GUARDRAIL", inputs="Which year?", attributes={PASSED: False}),
                Span("judge", "GUARDRAIL", inputs="In 2023.", attributes={PASSED: True}),
                Span("chat_completion", "LLM", attributes=USAGE),
            ),
        ),
    )
)


@pytest.mark.parametrize(
    "expectation",
    [
        expect.guardrail_blocks("breaker"),
        expect.guardrail_blocks("breaker", tool="pay", reason="too often"),
        expect.guardrail_allows("breaker", tool="read"),
        expect.guardrail_allows("budget"),
        expect.guardrail_sends_back("judge", "Which"),
        expect.stays_within_budget("budget"),
        expect.exceeds_budget("small_budget"),
    ],
    ids=describe,
)
def test_it_holds(expectation: Expectation) -> None:
    assert expectation.explain_failure(TRACE) is None


@pytest.mark.parametrize(
    ("expectation", "reason"),
    [
        (expect.guardrail_blocks("breaker", times=2), "it blocked 1 of 2 calls"),
        (
            expect.guardrail_blocks("breaker", reason="budget"),
            "its reason is 'called too often'",
        ),
        (
            expect.guardrail_blocks("authorization"),
            f"it made no check; guardrails: {NAMES}",
        ),
        (expect.guardrail_allows("breaker"), "it blocked once"),
        (expect.guardrail_sends_back("judge", "2023"), "it rejected Which year?"),
        (
            expect.guardrail_sends_back("censor", "2023"),
            f"it made no check; guardrails: {NAMES}",
        ),
        (expect.exceeds_budget("budget"), "it spends 100 of 100 tokens"),
        (expect.stays_within_budget("small_budget"), "it spends 100 of 99 tokens"),
        (
            expect.stays_within_budget("breaker"),
            f"no check has a limit; guardrails: {NAMES}",
        ),
        (
            expect.guardrail_allows("budget", tool="pay"),
            f"it made no check; guardrails: {NAMES}",
        ),
    ],
    ids=describe,
)
def test_it_explains_why_it_does_not_hold(expectation: Expectation, reason: str) -> None:
    assert expectation.explain_failure(TRACE) == reason
