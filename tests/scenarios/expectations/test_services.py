"""Expectations about services and tool results: each can hold, and explains its failure."""

from instrumentation.trace import Span, Trace
from scenarios.expectations import (
    Expectation,
    failed_attempts_have_cause,
    never_receives_tool_results,
    receives_tool_results,
)

FAILED = Span("HTTP 503", "ATTEMPT", "ERROR")
REASON = Span("GET /search", "RETRIEVER", "ERROR", status_message="no index is loaded")
ANSWERED = Span("GET /search", "RETRIEVER", "OK")
HAVE_CAUSE = failed_attempts_have_cause("searcher", "look_up", service="GET /search")
RECEIVES, NEVER = (
    receives_tool_results("searcher", "look_up"),
    never_receives_tool_results("searcher", "look_up"),
)


def call(*inside: Span, tool: str = "look_up") -> Span:
    return Span(tool, "TOOL", children=inside)


def prompt(*answered: str) -> Span:
    """A completion whose prompt has a result of a call of each of these tools."""
    calls = [
        {"id": f"call_{number}", "function": {"name": tool}} for number, tool in enumerate(answered)
    ]
    results = [{"role": "tool", "tool_call_id": one["id"], "content": "x"} for one in calls]
    messages = [{"role": "assistant", "tool_calls": calls}, *results]
    return Span("reflect", "LLM", inputs={"messages": messages})


def failure_of(expectation: Expectation, *inside: Span) -> str | None:
    agent = {"gen_ai.agent.name": "searcher"}
    turn = Span("searcher", "AGENT", attributes=agent, children=inside)
    return expectation.explain_failure(Trace((Span("research", "CHAIN", children=(turn,)),)))


def test_each_failed_attempt_has_the_services_reason_beside_it() -> None:
    assert failure_of(HAVE_CAUSE, call(REASON, FAILED, REASON, FAILED)) is None


def test_an_attempt_without_a_span_of_the_service_has_no_reason() -> None:
    sentence = failure_of(HAVE_CAUSE, call(REASON, FAILED, FAILED))
    assert sentence == "2 attempts failed, with 1 span of GET /search"


def test_a_service_that_succeeded_gives_no_reason() -> None:
    sentence = failure_of(HAVE_CAUSE, call(ANSWERED, FAILED))
    assert sentence == "a span of GET /search has the status OK and gives no reason"


def test_a_call_without_failed_attempts_has_no_cause() -> None:
    assert failure_of(HAVE_CAUSE, call()) == "0 attempts failed, with 0 spans of GET /search"


def test_a_missing_call_is_reported() -> None:
    for expectation in (HAVE_CAUSE, RECEIVES, NEVER):
        assert (
            failure_of(expectation, prompt())
            == "searcher did not call it; agents at work: searcher"
        )


def test_a_result_in_a_later_prompt_is_received() -> None:
    assert failure_of(RECEIVES, call(), prompt("look_up")) is None
    assert failure_of(NEVER, call(), prompt("look_up")) == "of 1 call it received 1 result"


def test_a_result_in_no_prompt_is_never_received() -> None:
    assert failure_of(NEVER, prompt(), call()) is None
    assert failure_of(RECEIVES, prompt(), call()) == "of 1 call it received 0 results"


def test_the_result_of_another_tool_does_not_count() -> None:
    assert failure_of(NEVER, call(), call(tool="web"), prompt("web")) is None


def test_both_results_of_two_calls_must_be_received() -> None:
    assert (
        failure_of(RECEIVES, call(), call(), prompt("look_up")) == "of 2 calls it received 1 result"
    )
    assert failure_of(RECEIVES, call(), call(), prompt("look_up", "look_up")) is None


def test_a_result_that_is_never_received_signals_a_failure() -> None:
    assert NEVER.signals_failure
    assert not RECEIVES.signals_failure
