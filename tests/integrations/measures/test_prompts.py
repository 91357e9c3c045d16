"""A prompt is read again however a span spells it; one that is told in part is not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from integrations.measures.fidelity_counts import counted
from scenarios.player.fidelity import Count
from tests.integrations.measures.sample_runs import (
    WORKS,
    Work,
    answered,
    changed,
    completion,
    exchange,
    made,
    missed,
)

unhurried = settings(max_examples=30, deadline=None)


@unhurried
@given(WORKS, st.integers(1, 8))
def test_a_prompt_that_was_cut_cannot_be_read(works: list[Work], chars: int) -> None:
    flight, trace = made(*works)

    def cut(span: Span) -> tuple[Span, ...]:
        text = span.inputs["messages"][0]["content"]
        return (replace(span, inputs={"messages": [text[:-chars]]}),)

    sent = counted(flight, trace).prompts.ledger
    assert missed(flight, changed(trace, answered, cut)) == {"prompts": (sent, sent - 1)}


def test_a_retry_says_nothing_new() -> None:
    flight, trace = made(Work("writer"))
    twice = (replace(flight.exchanges[0], status=429, delivered=False), *flight.exchanges)
    assert counted(replace(flight, exchanges=twice), trace).prompts == Count(1, 1)


def test_a_prompt_is_read_in_a_span_of_its_own() -> None:
    flight, trace = made(Work("writer", answered=2))
    second = flight.exchanges[1]
    longer = completion(exchange("writer", "prompt 1. prompt 2."))
    one = changed(trace, answered, lambda _: (longer,))
    alone = changed(one, lambda span: span.inputs == second.request, lambda _: ())
    assert counted(flight, alone).prompts == Count(2, 1)


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
    flight, trace = made(Work("writer"))
    asked = exchange("writer", "prompt 1.", tool_calls=[{"function": CALL}])
    spelt = changed(trace, answered, lambda span: (replace(span, inputs=["prompt 1.", *told]),))
    assert counted(replace(flight, exchanges=(asked,)), spelt).prompts == Count(1, int(whole))


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
    flight, trace = made(Work("writer"))
    asked = replace(flight.exchanges[0], path="/v1/responses", request=request_)
    flight = replace(flight, exchanges=(asked,))
    without = [texts[:at] + texts[at + 1 :] for at in range(len(texts))]
    for told, whole in [(texts, 1), *((some, 0) for some in without)]:
        (turn,) = trace.root.children
        spelt = replace(turn, children=(replace(turn.children[0], inputs=told),))
        seen = counted(flight, Trace((replace(trace.root, children=(spelt,)),)))
        assert seen.prompts == Count(1, whole)
