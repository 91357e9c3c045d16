"""A prompt is read again however a span spells it; one that is told in part is not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from integrations.measures.run_counts import count_run
from scenarios.player.fidelity import FidelityCount
from tests.integrations.measures.sample_runs import (
    TURN_SPEC_LISTS,
    TurnSpec,
    incomplete_counts,
    is_completed,
    make_completion_span,
    make_exchange,
    make_run,
    replace_first_span,
)

unhurried = settings(max_examples=30, deadline=None)


@unhurried
@given(TURN_SPEC_LISTS, st.integers(1, 8))
def test_a_prompt_that_was_cut_cannot_be_read(works: list[TurnSpec], chars: int) -> None:
    flight, trace = make_run(*works)

    def cut(span: Span) -> tuple[Span, ...]:
        text = span.inputs["messages"][0]["content"]
        return (replace(span, inputs={"messages": [text[:-chars]]}),)

    sent = count_run(flight, trace).prompts.ledger
    assert incomplete_counts(flight, replace_first_span(trace, is_completed, cut)) == {
        "prompts": (sent, sent - 1)
    }


def test_a_retry_says_nothing_new() -> None:
    flight, trace = make_run(TurnSpec("writer"))
    twice = (replace(flight.exchanges[0], status=429, delivered=False), *flight.exchanges)
    assert count_run(replace(flight, exchanges=twice), trace).prompts == FidelityCount(1, 1)


def test_a_prompt_is_read_in_a_span_of_its_own() -> None:
    flight, trace = make_run(TurnSpec("writer", completions=2))
    second = flight.exchanges[1]
    longer = make_completion_span(make_exchange("writer", "prompt 1. prompt 2."))
    one = replace_first_span(trace, is_completed, lambda _: (longer,))
    alone = replace_first_span(one, lambda span: span.inputs == second.request, lambda _: ())
    assert count_run(flight, alone).prompts == FidelityCount(2, 1)


CALL = {"name": "gauge", "arguments": '{"place": "the pass"}'}
ARGUMENTS = {"place": "the pass"}


@pytest.mark.parametrize(
    ("told", "whole"),
    [
        ([], False),
        ([{"arguments": ARGUMENTS}], False),
        ([{"name": "gauge"}], False),
        ([{"name": "gauge"}, "the pass: open"], False),
        ([{"name": "gauge", "arguments": {**ARGUMENTS, "depth": 1}}], False),
        ([{"name": "gauge", "arguments": ARGUMENTS}], True),
        ([{"name": "gauge", "arguments": '{"place":"the pass"}'}], True),
        ([{"name": "'gauge'", "arguments": '\'{"place": "the pass"}\''}], True),
    ],
)
def test_a_call_in_a_prompt_is_a_part_of_it_however_it_is_spelt(told: Any, whole: bool) -> None:
    flight, trace = make_run(TurnSpec("writer"))
    asked = make_exchange("writer", "prompt 1.", tool_calls=[{"function": CALL}])
    spelt = replace_first_span(
        trace, is_completed, lambda span: (replace(span, inputs=["prompt 1.", *told]),)
    )
    assert count_run(replace(flight, exchanges=(asked,)), spelt).prompts == FidelityCount(
        1, int(whole)
    )


PLACE = '{"place": "the pass"}'


@pytest.mark.parametrize(
    ("request_", "texts"),
    [
        ({"input": "Begin."}, ["Begin."]),
        ({"input": "Begin.", "instructions": "You write."}, ["Begin.", "You write."]),
        ({"input": [{"content": [{"text": "Begin."}]}]}, ["Begin."]),
        (
            {"input": [{"type": "function_call", "name": "gauge", "arguments": PLACE}]},
            ["gauge", PLACE],
        ),
        ({"input": [{"type": "function_call_output", "output": "open"}]}, ["open"]),
    ],
)
def test_of_a_prompt_of_the_responses_api_each_text_is_a_part(
    request_: Any, texts: list[str]
) -> None:
    flight, trace = make_run(TurnSpec("writer"))
    asked = replace(flight.exchanges[0], path="/v1/responses", request=request_)
    flight = replace(flight, exchanges=(asked,))
    without = [texts[:at] + texts[at + 1 :] for at in range(len(texts))]
    for told, whole in [(texts, 1), *((some, 0) for some in without)]:
        (turn,) = trace.root.children
        spelt = replace(turn, children=(replace(turn.children[0], inputs=told),))
        seen = count_run(flight, Trace((replace(trace.root, children=(spelt,)),)))
        assert seen.prompts == FidelityCount(1, whole)
