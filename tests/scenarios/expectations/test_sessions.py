"""Expectations about sessions, checked on a healthy conversation and on altered ones."""

from dataclasses import replace
from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.session import Session
from scenarios.expectations import (
    Expectation,
    each_turn_reaches_outcome,
    is_one_session,
    remembers_earlier_turns,
)
from scenarios.player.scenario_loader import scenario_folder

ONE_SESSION = is_one_session(turns=3, user="skipper")
REMEMBERS = remembers_earlier_turns("assistant")
HEALTHY = load_trace(scenario_folder("conversation_goes_well").recorded_trace("twin"))


def failure_of(expectation: Expectation, *roots: Span, session: Any = HEALTHY.session) -> str:
    return expectation.explain_failure(Trace(roots or HEALTHY.roots, session=session)) or ""


def with_messages(turn: Span, *numbers: int) -> Span:
    """The turn with only these messages in the prompt of its completion."""
    (agent,) = turn.children
    (completion,) = agent.children
    messages = completion.inputs["messages"]
    changed = replace(completion, inputs={"messages": [messages[at] for at in numbers]})
    return replace(turn, children=(replace(agent, children=(changed,)),))


@pytest.mark.parametrize(
    "expectation", [ONE_SESSION, REMEMBERS, each_turn_reaches_outcome("answered")]
)
def test_a_healthy_conversation_meets_the_expectations(expectation: Expectation) -> None:
    assert failure_of(expectation) == ""
    assert not expectation.signals_failure


def test_a_missing_session_is_reported() -> None:
    assert failure_of(ONE_SESSION, session=None) == "the run is not a session: it left 3 traces"


def test_a_wrong_number_of_turns_or_user_is_reported() -> None:
    assert failure_of(ONE_SESSION, *HEALTHY.roots[:2]) == "the session has 2 turns"
    assert failure_of(ONE_SESSION, session=Session("harbour", "crew")) == "its user is crew"
    assert failure_of(ONE_SESSION, session=Session("harbour")) == "its user is not recorded"


def test_a_failed_turn_is_reported_even_if_the_last_succeeded() -> None:
    first, second, third = HEALTHY.roots
    failed = replace(second, status="ERROR", attributes={})
    found = failure_of(each_turn_reaches_outcome("answered"), first, failed, third)
    assert found == "turn 2 has the status ERROR and the outcome None"
    assert "turn 1 has the status OK" in failure_of(each_turn_reaches_outcome("refused"))


def test_a_forgotten_message_is_quoted() -> None:
    first, second, third = HEALTHY.roots
    assert "the prompt of turn 3 lacks 'We come" in failure_of(
        REMEMBERS, first, second, with_messages(third, 0, 5)
    )
    assert "the prompt of turn 3 lacks 'It is how deep" in failure_of(
        REMEMBERS, first, second, with_messages(third, 0, 1, 2, 3, 5)
    )


def test_messages_in_the_wrong_order_are_not_remembered() -> None:
    first, second, third = HEALTHY.roots
    reordered = with_messages(third, 0, 3, 4, 1, 2, 5)
    assert "the prompt of turn 3 lacks 'What is a draught?'" in failure_of(
        REMEMBERS, first, second, reordered
    )


def test_without_earlier_turns_or_completions_nothing_is_remembered() -> None:
    assert "there is nothing to remember in 1 turn" in failure_of(REMEMBERS, HEALTHY.roots[0])
    assert "in turn 1, ghost made no completion" in failure_of(remembers_earlier_turns("ghost"))
