"""A prompt counts if a span has all of it, in any encoding."""

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

without_deadline = settings(max_examples=30, deadline=None)


@without_deadline
@given(TURN_SPEC_LISTS, st.integers(1, 8))
def test_a_truncated_prompt_does_not_count(turn_specs: list[TurnSpec], chars: int) -> None:
    run, trace = make_run(*turn_specs)

    def truncate(span: Span) -> tuple[Span, ...]:
        text = span.inputs["messages"][0]["content"]
        return (replace(span, inputs={"messages": [text[:-chars]]}),)

    prompts = count_run(run, trace).prompts.ledger
    assert incomplete_counts(run, replace_first_span(trace, is_completed, truncate)) == {
        "prompts": (prompts, prompts - 1)
    }


def test_a_retry_is_no_new_prompt() -> None:
    run, trace = make_run(TurnSpec("writer"))
    twice = (replace(run.exchanges[0], status=429, delivered=False), *run.exchanges)
    assert count_run(replace(run, exchanges=twice), trace).prompts == FidelityCount(1, 1)


def test_each_prompt_needs_a_span_of_its_own() -> None:
    run, trace = make_run(TurnSpec("writer", completions=2))
    second = run.exchanges[1]
    longer = make_completion_span(make_exchange("writer", "prompt 1. prompt 2."))
    one = replace_first_span(trace, is_completed, lambda _: (longer,))
    alone = replace_first_span(one, lambda span: span.inputs == second.request, lambda _: ())
    assert count_run(run, alone).prompts == FidelityCount(2, 1)


CALL = {"name": "gauge", "arguments": '{"place": "the pass"}'}
ARGUMENTS = {"place": "the pass"}


@pytest.mark.parametrize(
    ("recorded", "complete"),
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
def test_a_tool_call_in_a_prompt_is_part_of_it_in_any_encoding(
    recorded: Any, complete: bool
) -> None:
    run, trace = make_run(TurnSpec("writer"))
    exchange = make_exchange("writer", "prompt 1.", tool_calls=[{"function": CALL}])
    recorded_trace = replace_first_span(
        trace, is_completed, lambda span: (replace(span, inputs=["prompt 1.", *recorded]),)
    )
    assert count_run(replace(run, exchanges=(exchange,)), recorded_trace).prompts == FidelityCount(
        1, int(complete)
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
def test_each_text_of_a_responses_api_prompt_is_part_of_it(request_: Any, texts: list[str]) -> None:
    run, trace = make_run(TurnSpec("writer"))
    exchange = replace(run.exchanges[0], path="/v1/responses", request=request_)
    run = replace(run, exchanges=(exchange,))
    without = [texts[:index] + texts[index + 1 :] for index in range(len(texts))]
    for recorded, complete in [(texts, 1), *((incomplete, 0) for incomplete in without)]:
        (turn,) = trace.root.children
        recorded_trace = replace(turn, children=(replace(turn.children[0], inputs=recorded),))
        counts = count_run(run, Trace((replace(trace.root, children=(recorded_trace,)),)))
        assert counts.prompts == FidelityCount(1, complete)
