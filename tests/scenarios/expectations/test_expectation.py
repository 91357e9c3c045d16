"""Failed expectations become MLflow assessments on the spans that they are about."""

import mlflow
import pytest

from instrumentation.trace import Span, Trace, TraceNotFoundError
from instrumentation.trace.lookup import fetch_trace
from instrumentation.trace.span import IN_PROGRESS
from instrumentation.tracing import enable_tracing
from scenarios.expectations import (
    Expectation,
    calls_tool,
    ends_with_status,
    hands_off,
    has_no_errors,
    leaves_traces,
    log_failed_expectations,
    takes_turns,
    tool_call_fails,
)
from scenarios.expectations.expectation import explain_failure, find_span
from scenarios.player.run import run_scenario


def assessments(trace_id: str, store: str) -> list[tuple[str, object, str | None, str]]:
    """The name, value, rationale and span name of each assessment of a trace."""
    trace = mlflow.MlflowClient(store).get_trace(trace_id)
    names = {span.span_id: span.name for span in trace.data.spans}
    return [
        (one.name, one.value, one.rationale, names[one.span_id]) for one in trace.info.assessments
    ]


def test_the_broken_run_of_a_scenario_shows_the_lost_handoff(store: str) -> None:
    verdict = run_scenario("summarizer_never_sees_the_draft", store)
    broken, fixed = (one.trace.ids[0] for one in verdict.variants if one.trace)
    assert (
        "generator hands off to summarizer once",
        False,
        "only 0% of the 406 characters sent arrived",
        "generator → summarizer",
    ) in assessments(broken, store)
    assert assessments(fixed, store) == []


def test_a_program_logs_what_its_trace_does_not_meet(store: str) -> None:
    with enable_tracing(store, frameworks=()):
        with mlflow.start_span("run") as root, mlflow.start_span("clerk", span_type="AGENT"):
            tool = mlflow.start_span_no_context("look_up", "TOOL", mlflow.get_current_active_span())
            tool.end()
        mlflow.flush_trace_async_logging()
    expectations = (ends_with_status("OK"), calls_tool("clerk", "look_up", times=2))
    trace = fetch_trace(root.trace_id, store)
    failures = log_failed_expectations(trace, expectations, store)
    assert list(failures) == ["clerk calls look_up twice"]
    ((name, value, reason, span),) = assessments(root.trace_id, store)
    assert (name, value, span) == ("clerk calls look_up twice", False, "look_up")
    assert reason == failures[name]


def test_a_trace_that_is_not_in_a_store_gets_no_assessments() -> None:
    with pytest.raises(TraceNotFoundError, match="read it with fetch_trace"):
        log_failed_expectations(Trace((Span("a", "CHAIN", "ERROR"),)), [ends_with_status("OK")])


LOOK_UP = Span("look_up", "TOOL", "ERROR", "no such city")
CLERK = Span("clerk", "AGENT", children=(LOOK_UP, Span("look_up", "TOOL")))
HANDOFFS = tuple(
    Span(
        "clerk → boss",
        "HANDOFF",
        attributes={
            "flight_recorder.handoff.from_agent": "clerk",
            "flight_recorder.handoff.to_agent": "boss",
            "flight_recorder.handoff.efficiency_score": score,
        },
    )
    for score in (0.9, 0.1, 1.0)
)
OPEN = Span("boss", "AGENT", IN_PROGRESS)
TRACE = Trace((Span("run", "CHAIN", children=(CLERK, *HANDOFFS, OPEN)),))


@pytest.mark.parametrize(
    ("expectation", "span"),
    [
        (hands_off("clerk", "boss"), HANDOFFS[1]),
        (hands_off("boss", "clerk"), OPEN),
        (tool_call_fails("clerk", "look_up", times=2, message="no"), LOOK_UP),
        (calls_tool("clerk", "look_up", times=1), LOOK_UP),
        (calls_tool("clerk", "another", times=1), CLERK),
        (takes_turns("clerk", 2), CLERK),
        (takes_turns("nobody", 2), TRACE.roots[0]),
        (has_no_errors(), TRACE.roots[0]),
    ],
)
def test_an_expectation_is_about_a_call_a_handoff_a_turn_or_the_run(
    expectation: Expectation, span: Span
) -> None:
    assert find_span(TRACE, expectation) is span


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        (("OK", "OK"), None),
        (("OK",), "it leaves 1 trace"),
        (("OK", "ERROR"), "call failed"),
        (("OK", IN_PROGRESS), "the span call never ended, so the trace is not complete"),
    ],
    ids=str,
)
def test_a_run_may_leave_as_many_traces_as_expected(
    statuses: tuple[str, ...], reason: str | None
) -> None:
    trace = Trace(tuple(Span("call", "LLM", status) for status in statuses))
    assert explain_failure(trace, leaves_traces(2)) == reason
