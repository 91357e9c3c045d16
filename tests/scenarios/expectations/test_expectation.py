"""Expectations: each can hold, each can fail, and each failure says what was seen instead."""

from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios import expectations as expect
from scenarios.expectations import Expectation


def turn(agent: str, *inside: Span) -> Span:
    return Span(agent, "AGENT", attributes={"gen_ai.agent.name": agent}, children=inside)


def completion(status: str = "OK", says: str = "", attempts: tuple[Span, ...] = ()) -> Span:
    used = {"input_tokens": 10, "output_tokens": 5}
    return Span(
        "create", "LLM", status, says, None, None, {"mlflow.chat.tokenUsage": used}, attempts
    )


def handoff(sender: str, receiver: str, score: float, on: str | None = None) -> Span:
    told: dict[str, Any] = {
        "flight_recorder.handoff.from_agent": sender,
        "flight_recorder.handoff.to_agent": receiver,
        "flight_recorder.handoff.output_chars": 400,
        "flight_recorder.handoff.efficiency_score": score,
    }
    return Span(
        f"{sender} → {receiver}",
        "HANDOFF",
        attributes=told | ({"flight_recorder.routing.condition": on} if on else {}),
    )


REFUSED = Span("HTTP 429", "ATTEMPT", "ERROR", "429 Too Many Requests")
TRACE = Trace(
    (
        Span(
            "review",
            "CHAIN",
            outputs={"summary": "it came down to 57 km"},
            attributes={"flight_recorder.workflow.outcome": "approved"},
            children=(
                turn("generator", completion()),
                handoff("generator", "reviewer", 1.0),
                turn("reviewer", completion(attempts=(REFUSED,))),
                handoff("reviewer", "summarizer", 1.0, on="approved"),
                handoff("generator", "summarizer", 0.0),
                turn("summarizer", completion("ERROR", "cancelled")),
            ),
        ),
    )
)


@pytest.mark.parametrize(
    "holds",
    [
        expect.ends_with_status("OK"),
        expect.reaches_outcome("approved"),
        expect.hands_off("generator", "reviewer"),
        expect.hands_off("reviewer", "generator", times=0),
        expect.loses_handoff("generator", "summarizer"),
        expect.takes_edge("reviewer", "summarizer", on="approved"),
        expect.takes_turns("generator", 1),
        expect.never_runs("auditor"),
        expect.output_contains(r"\d+ km"),
        expect.output_lacks("miles"),
        expect.has_failed_attempts("HTTP 429", agent="reviewer"),
        expect.last_completion_ends("summarizer", status="ERROR", message="cancelled"),
        expect.spends_tokens_at_most(45),
    ],
    ids=lambda expectation: expectation.description,
)
def test_it_holds_where_it_should(holds: Expectation) -> None:
    assert holds.explain_failure(TRACE) is None


@pytest.mark.parametrize(
    ("fails", "sentence"),
    [
        (expect.ends_with_status("ERROR"), "it ended OK"),
        (expect.reaches_outcome("out of rounds"), "its outcome is 'approved'"),
        (
            expect.hands_off("reviewer", "generator"),
            "0 such handoffs; generator was handed: nothing",
        ),
        (
            expect.hands_off("reviewer", "reviewer"),
            "0 such handoffs; reviewer was handed: generator → reviewer",
        ),
        (expect.hands_off("generator", "summarizer"), "of the 400 characters sent, 0% arrived"),
        (expect.loses_handoff("generator", "reviewer"), "100% or more of it arrived"),
        (
            expect.loses_handoff("reviewer", "generator"),
            "no such handoff; generator was handed: nothing",
        ),
        (expect.takes_edge("reviewer", "summarizer", on="says"), "it was taken on approved"),
        (expect.takes_edge("reviewer", "generator", on="x"), "it was taken on no condition"),
        (
            expect.takes_turns("generator", 2),
            "1 turn; agents: generator, reviewer, summarizer",
        ),
        (expect.never_runs("reviewer"), "reviewer took 1 turn"),
        (expect.output_contains("miles"), 'the output is {"summary": "it came down to 57 km"}'),
        (expect.output_contains("came down to 57 miles"), 'the output has came down to 57 km"}'),
        (expect.output_contains("(came [a-z ]*) 57 miles"), 'the output has came down to 57 km"}'),
        (expect.output_lacks(r"\d+ km"), "the output has '57 km'"),
        (
            expect.has_failed_attempts("HTTP 503", agent="reviewer"),
            "failed attempts of reviewer: HTTP 429",
        ),
        (
            expect.has_failed_attempts("HTTP 429", agent="generator"),
            "failed attempts of generator: none",
        ),
        (
            expect.last_completion_ends("summarizer", status="OK"),
            "its last completion ended ERROR (cancelled)",
        ),
        (
            expect.last_completion_ends("auditor", status="OK"),
            "auditor made no completion; agents: generator, reviewer, summarizer",
        ),
        (expect.spends_tokens_at_most(44), "45 tokens"),
    ],
    ids=lambda value: value.description if isinstance(value, Expectation) else "",
)
def test_it_fails_with_a_sentence(fails: Expectation, sentence: str) -> None:
    assert fails.explain_failure(TRACE) == sentence


EMPTY = Trace((Span("review", "CHAIN"),))


@pytest.mark.parametrize(
    "fails",
    [
        expect.output_lacks("miles"),
        expect.output_contains("^$"),
        expect.spends_tokens_at_most(1),
        expect.loses_handoff("a", "b"),
        expect.last_completion_ends("a", status="OK"),
    ],
    ids=lambda expectation: expectation.description,
)
def test_what_speaks_of_nothing_seen_does_not_hold(fails: Expectation) -> None:
    assert fails.explain_failure(EMPTY)


def test_every_verb_is_tried_here() -> None:
    verbs = {
        name
        for name, value in vars(expect).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") is Expectation
    }

    text = Path(__file__).read_text("utf-8")
    assert not {verb for verb in verbs if text.count(f"expect.{verb}(") < 2}
