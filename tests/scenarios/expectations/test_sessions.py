"""Expectations of a session, held against conversations that were not as they should be."""

from dataclasses import replace
from typing import Any

import pytest

from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.session import Session
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.sessions import (
    each_turn_reaches_outcome,
    is_one_session,
    remembers_earlier_turns,
)
from scenarios.player.scenario_loader import scenario_folder

SKIPPERS = is_one_session(turns=3, user="skipper")
REMEMBERS = remembers_earlier_turns("assistant")
HEALTHY = load_trace(scenario_folder("conversation_goes_well").recorded_trace("twin"))


def why_not(expectation: Expectation, *roots: Span, session: Any = HEALTHY.session) -> str:
    return expectation.explain_failure(Trace(roots or HEALTHY.roots, session=session)) or ""


def told(turn: Span, *kept: int) -> Span:
    """The turn, its completion told only these of the messages of its prompt."""
    (agent,) = turn.children
    (completion,) = agent.children
    messages = completion.inputs["messages"]
    asked = replace(completion, inputs={"messages": [messages[at] for at in kept]})
    return replace(turn, children=(replace(agent, children=(asked,)),))


@pytest.mark.parametrize(
    "expectation", [SKIPPERS, REMEMBERS, each_turn_reaches_outcome("answered")]
)
def test_a_healthy_conversation_is_as_expected(expectation: Expectation) -> None:
    assert why_not(expectation) == ""
    assert not expectation.signals_failure


def test_it_is_said_that_there_is_no_session() -> None:
    assert why_not(SKIPPERS, session=None) == "it is no session, but 3 traces"


def test_it_is_said_how_many_turns_there_are_and_whose() -> None:
    assert why_not(SKIPPERS, *HEALTHY.roots[:2]) == "it has 2 turns"
    assert why_not(SKIPPERS, session=Session("harbour", "crew")) == "it is of crew"
    assert why_not(SKIPPERS, session=Session("harbour")) == "it is of nobody"


def test_it_is_said_which_turn_failed_though_the_last_did_not() -> None:
    first, second, third = HEALTHY.roots
    failed = replace(second, status="ERROR", attributes={})
    seen = why_not(each_turn_reaches_outcome("answered"), first, failed, third)
    assert seen == "turn 2 ended ERROR, its outcome None"
    assert "turn 1 ended OK" in why_not(each_turn_reaches_outcome("refused"))


def test_it_is_said_what_was_forgotten() -> None:
    first, second, third = HEALTHY.roots
    assert "turn 3 was not told 'We come" in why_not(REMEMBERS, first, second, told(third, 0, 5))
    assert "turn 3 was not told 'It is how deep" in why_not(
        REMEMBERS, first, second, told(third, 0, 1, 2, 3, 5)
    )


def test_a_history_in_the_wrong_order_is_not_remembered() -> None:
    first, second, third = HEALTHY.roots
    turned = told(third, 0, 3, 4, 1, 2, 5)
    assert "turn 3 was not told 'What is a draught?'" in why_not(REMEMBERS, first, second, turned)


def test_where_nobody_answered_nothing_is_remembered() -> None:
    assert "there is nothing to remember in 1 turn" in why_not(REMEMBERS, HEALTHY.roots[0])
    assert "ghost made no completion in turn 1" in why_not(remembers_earlier_turns("ghost"))
