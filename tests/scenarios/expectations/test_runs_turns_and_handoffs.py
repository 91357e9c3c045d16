"""Expectations about runs, turns and handoffs: each can hold and fail, and explains its failure."""

from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from instrumentation.trace.canonical_json import load_trace
from scenarios import expectations as expect
from scenarios.expectations import Expectation
from scenarios.player.scenario_loader import scenario_folder


def turn(agent: str, *inside: Span) -> Span:
    return Span(agent, "AGENT", attributes={"gen_ai.agent.name": agent}, children=inside)


def completion(status: str = "OK", message: str = "", attempts: tuple[Span, ...] = ()) -> Span:
    used = {"input_tokens": 10, "output_tokens": 5}
    return Span(
        "create", "LLM", status, message, None, None, {"mlflow.chat.tokenUsage": used}, attempts
    )


def handoff(sender: str, receiver: str, score: float, on: str | None = None) -> Span:
    attributes: dict[str, Any] = {
        "flight_recorder.handoff.from_agent": sender,
        "flight_recorder.handoff.to_agent": receiver,
        "flight_recorder.handoff.output_chars": 400,
        "flight_recorder.handoff.efficiency_score": score,
    }
    if on:
        attributes["flight_recorder.routing.condition"] = on
    return Span(f"{sender} → {receiver}", "HANDOFF", attributes=attributes)


UNKNOWN = "its span has flight_recorder.handoff.efficiency_score=None, so what arrived is unknown"
UNSCORED = Span(
    "generator → critic",
    "HANDOFF",
    attributes={
        "flight_recorder.handoff.from_agent": "generator",
        "flight_recorder.handoff.to_agent": "critic",
    },
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
                UNSCORED,
                Span("of another program", "HANDOFF"),
                turn("summarizer", completion("ERROR", "cancelled")),
            ),
        ),
    )
)


@pytest.mark.parametrize(
    "expectation",
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
def test_expectation_holds(expectation: Expectation) -> None:
    assert expectation.explain_failure(TRACE) is None


@pytest.mark.parametrize(
    ("expectation", "sentence"),
    [
        (expect.ends_with_status("ERROR"), "the status is OK"),
        (expect.reaches_outcome("out of rounds"), "the outcome is 'approved'"),
        (
            expect.hands_off("reviewer", "generator"),
            "0 such handoffs; handoffs to generator: none",
        ),
        (
            expect.hands_off("reviewer", "reviewer"),
            "0 such handoffs; handoffs to reviewer: generator → reviewer",
        ),
        (expect.hands_off("generator", "critic"), UNKNOWN),
        (expect.loses_handoff("generator", "critic"), UNKNOWN),
        (expect.hands_off("generator", "summarizer"), "only 0% of the 400 characters sent arrived"),
        (expect.loses_handoff("generator", "reviewer"), "at least 100% of each arrived"),
        (
            expect.loses_handoff("reviewer", "generator"),
            "no such handoff; handoffs to generator: none",
        ),
        (expect.takes_edge("reviewer", "summarizer", on="says"), "it was taken on approved"),
        (expect.takes_edge("reviewer", "generator", on="x"), "it was taken on no condition"),
        (
            expect.takes_turns("generator", 2),
            "it took 1 turn; agents at work: generator, reviewer, summarizer",
        ),
        (expect.never_runs("reviewer"), "it took 1 turn"),
        (expect.output_contains("miles"), 'the output is {"summary": "it came down to 57 km"}'),
        (expect.output_contains("came down to 57 miles"), 'the output has came down to 57 km"}'),
        (expect.output_contains("(came [a-z ]*) 57 miles"), 'the output has came down to 57 km"}'),
        (expect.output_lacks(r"\d+ km"), "the output contains '57 km'"),
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
            "its status is ERROR (cancelled)",
        ),
        (
            expect.last_completion_ends("auditor", status="OK"),
            "auditor made no completion; agents at work: generator, reviewer, summarizer",
        ),
        (expect.spends_tokens_at_most(44), "it spends 45 tokens"),
    ],
    ids=lambda value: value.description if isinstance(value, Expectation) else "",
)
def test_failed_expectation_explains_itself(expectation: Expectation, sentence: str) -> None:
    assert expectation.explain_failure(TRACE) == sentence


def test_a_failure_that_the_diagnosis_finds_is_not_avoided() -> None:
    recorded = scenario_folder("summarizer_never_sees_the_draft")
    expectation = expect.avoids_failure("information withholding")
    found = expectation.explain_failure(load_trace(recorded.recorded_trace("broken")))
    assert found
    assert found.startswith("the diagnosis finds it: ")
    assert expectation.explain_failure(load_trace(recorded.recorded_trace("fixed"))) is None


EMPTY = Trace((Span("review", "CHAIN"),))


@pytest.mark.parametrize(
    "expectation",
    [
        expect.output_lacks("miles"),
        expect.output_contains("^$"),
        expect.spends_tokens_at_most(1),
        expect.loses_handoff("a", "b"),
        expect.last_completion_ends("a", status="OK"),
    ],
    ids=lambda expectation: expectation.description,
)
def test_expectation_about_an_empty_trace_fails(expectation: Expectation) -> None:
    assert expectation.explain_failure(EMPTY)


def test_every_expectation_has_a_test() -> None:
    verbs = set(expect.__all__) - {"Expectation"}
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    assert not {verb for verb in verbs if not any(f"{verb}(" in text for text in texts)}
