"""Services: each expectation can hold, each can fail, and says what was seen."""

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.services import (
    failed_attempts_have_cause,
    never_receives_tool_results,
    receives_tool_results,
)

FAILED = Span("HTTP 503", "ATTEMPT", "ERROR")
REASON = Span("GET /search", "RETRIEVER", "ERROR", status_message="no index is loaded")
ANSWERED = Span("GET /search", "RETRIEVER", "OK")
TOLD = failed_attempts_have_cause("searcher", "look_up", service="GET /search")
HEARS, NEVER = (
    receives_tool_results("searcher", "look_up"),
    never_receives_tool_results("searcher", "look_up"),
)


def call(*inside: Span, tool: str = "look_up") -> Span:
    return Span(tool, "TOOL", children=inside)


def prompt(*answered: str) -> Span:
    """A completion that is told what became of calls of these tools."""
    called = [
        {"id": f"call_{number}", "function": {"name": tool}} for number, tool in enumerate(answered)
    ]
    told = [{"role": "tool", "tool_call_id": one["id"], "content": "x"} for one in called]
    messages = [{"role": "assistant", "tool_calls": called}, *told]
    return Span("reflect", "LLM", inputs={"messages": messages})


def why_not(expectation: Expectation, *inside: Span) -> str | None:
    agent = {"gen_ai.agent.name": "searcher"}
    turn = Span("searcher", "AGENT", attributes=agent, children=inside)
    return expectation.explain_failure(Trace((Span("research", "CHAIN", children=(turn,)),)))


def test_each_failed_attempt_has_the_reason_of_the_service_beside_it() -> None:
    assert why_not(TOLD, call(REASON, FAILED, REASON, FAILED)) is None


def test_an_attempt_of_which_the_service_wrote_nothing_has_no_reason() -> None:
    no = why_not(TOLD, call(REASON, FAILED, FAILED))
    assert no == "2 attempts failed, and GET /search stands there 1 time"


def test_a_service_that_answered_gave_no_reason() -> None:
    no = why_not(TOLD, call(ANSWERED, FAILED))
    assert no == "GET /search ended OK, and gave no reason"


def test_a_call_that_met_nothing_has_nothing_to_be_told() -> None:
    assert why_not(TOLD, call()) == "0 attempts failed, and GET /search stands there 0 times"


def test_a_call_that_was_not_made_is_named() -> None:
    for expectation in (TOLD, HEARS, NEVER):
        assert why_not(expectation, prompt()) == "searcher did not call it; agents: searcher"


def test_what_became_of_a_call_is_heard_in_a_later_prompt() -> None:
    assert why_not(HEARS, call(), prompt("look_up")) is None
    assert why_not(NEVER, call(), prompt("look_up")) == "of 1 call it heard 1"


def test_a_call_that_no_prompt_tells_of_is_never_heard_of() -> None:
    assert why_not(NEVER, prompt(), call()) is None
    assert why_not(HEARS, prompt(), call()) == "of 1 call it heard nothing"


def test_the_answer_of_another_tool_is_not_that_of_this_one() -> None:
    assert why_not(NEVER, call(), call(tool="web"), prompt("web")) is None


def test_of_two_calls_both_must_be_heard_of() -> None:
    assert why_not(HEARS, call(), call(), prompt("look_up")) == "of 2 calls it heard 1"
    assert why_not(HEARS, call(), call(), prompt("look_up", "look_up")) is None


def test_that_nobody_hears_is_an_alarm() -> None:
    assert NEVER.signals_failure
    assert not HEARS.signals_failure
