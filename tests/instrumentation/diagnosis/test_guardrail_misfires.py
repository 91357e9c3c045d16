"""Blocked calls: what shows that a guardrail had no cause, and which blocks may be right."""

from typing import Any

import pytest

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Span, Trace
from tests.instrumentation.diagnosis.test_diagnosis import run

TASK = "Measure the north well, and pay A-17."
ANSWER = "It could not be done: no call was allowed."
SCHEMA = {"properties": {"well": {"enum": ["north", "south"]}}, "required": ["well"]}
NO_COUNT = {"failure_count": 0, "failure_limit": 0, "reason": "gave up after 0 failed calls"}
AMOUNT = {"reason": "not authorized: payments above 1,000 EUR need a person"}


def blocked(tool: str, arguments: dict[str, Any], figures: dict[str, Any]) -> Span:
    """A call that a guardrail blocks."""
    attributes = {f"flight_recorder.guardrail.{name}": value for name, value in figures.items()}
    attributes |= {"flight_recorder.guardrail.blocked": True}
    check = Span("limit", "GUARDRAIL", attributes=attributes)
    return Span(tool, "TOOL", "ERROR", "blocked", inputs=arguments, children=(check,))


def crew(*calls: Span) -> Trace:
    """A run of one agent that is offered a tool, makes these calls, and says that it failed."""
    offered = [{"function": {"name": "measure", "parameters": SCHEMA}}]
    completion = Span("chat_completion", "LLM", inputs={"messages": [], "tools": offered})
    agent = Span("clerk", "AGENT", inputs=TASK, outputs=ANSWER, children=(completion, *calls))
    return run(TASK, ANSWER, agent)


@pytest.mark.parametrize(
    ("call", "shows"),
    [
        (blocked("measure", {"well": "north"}, NO_COUNT), "nothing had happened"),
        (blocked("pay", {"number": "A-17", "eur": 118.4}, AMOUNT), "not true of these arguments"),
    ],
    ids=["nothing was counted", "its reason is not true"],
)
def test_a_first_call_that_is_blocked_without_cause_is_a_misfire(call: Span, shows: str) -> None:
    (finding,) = diagnose(crew(call)).findings
    assert (finding.mode, finding.agent) == ("guardrail misfire", "clerk")
    assert finding.origin is call.children[0]
    assert shows in finding.evidence[-1].shows


FAILED = Span("measure", "TOOL", "ERROR", "no signal", inputs={"well": "north"})
COUNTED = NO_COUNT | {"failure_count": 2, "failure_limit": 2}


@pytest.mark.parametrize(
    "calls",
    [
        (FAILED, blocked("measure", {"well": "north"}, COUNTED)),
        (FAILED, blocked("measure", {"well": "north"}, NO_COUNT)),
        (blocked("measure", {"well": "west"}, NO_COUNT),),
        (blocked("measure", {"depth": "north"}, NO_COUNT),),
        (blocked("measure", {"well": "south"}, NO_COUNT),),
        (blocked("pay", {"number": "A-17", "eur": 2000}, AMOUNT),),
        (blocked("pay", {"number": "A-17", "items": 3}, AMOUNT),),
        (blocked("measure", {"well": "north"}, {"reason": "not authorized: ask a person"}),),
    ],
    ids=[
        "it counted failures",
        "a call had failed",
        "no such choice",
        "an argument is missing",
        "the task does not ask for it",
        "its reason is true",
        "its reason is about something else",
        "it says no reason that can be checked",
    ],
)
def test_a_block_that_may_be_right_is_no_misfire(calls: tuple[Span, ...]) -> None:
    assert diagnose(crew(*calls)).findings == ()
