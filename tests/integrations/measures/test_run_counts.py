"""Everything that a trace omits, duplicates or misplaces is counted."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from integrations.measures.run_counts import RunCounts, count_run
from integrations.programs.case_context import API_KEY, TOOL_CREDENTIAL
from scenarios.player.fidelity import FidelityCount
from tests.integrations.measures.sample_runs import (
    TURN_SPEC_LISTS,
    TURN_SPECS,
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
@given(TURN_SPEC_LISTS)
def test_a_trace_with_everything_is_complete(turn_specs: list[TurnSpec]) -> None:
    assert incomplete_counts(*make_run(*turn_specs)) == {}


@without_deadline
@given(TURN_SPEC_LISTS)
def test_an_empty_trace_records_nothing(turn_specs: list[TurnSpec]) -> None:
    run, _ = make_run(*turn_specs)
    recorded: RunCounts = count_run(run, Trace(()))
    assert {count.trace for _, count in recorded} == {0}


@without_deadline
@given(TURN_SPEC_LISTS)
def test_a_duplicated_completion_is_counted_as_excess(turn_specs: list[TurnSpec]) -> None:
    run, trace = make_run(*turn_specs)
    counts = count_run(run, replace_first_span(trace, is_completed, lambda span: (span, span)))
    assert incomplete(counts) == ("completions", "tokens", "costs")
    assert counts.completions.trace == counts.completions.ledger + 1


DOUBLED = {
    "tools": lambda span: span.type == "TOOL",
    "turns": lambda span: span.type == "AGENT",
    "handoffs": lambda span: span.type == "HANDOFF",
    "errors": lambda span: span.failed,
}
"""Which span to duplicate, by the measure that counts it."""


@pytest.mark.parametrize("measure", DOUBLED)
def test_a_duplicated_span_is_counted_as_excess(measure: str) -> None:
    run, trace = make_run(TurnSpec("writer", failed_completions=1, tool_runs=1), TurnSpec("critic"))
    run = replace(run, case=replace(run.case, handoffs=(("writer", "critic"),)))
    passed = {
        "flight_recorder.handoff.from_agent": "writer",
        "flight_recorder.handoff.to_agent": "critic",
    }
    handoff = Span("writer → critic", "HANDOFF", attributes=passed)
    complete = Trace((replace(trace.root, children=(*trace.root.children, handoff)),))
    assert incomplete_counts(run, complete) == {}
    twice = replace_first_span(complete, DOUBLED[measure], lambda span: (span, span))
    happened = dict(count_run(run, complete))[measure].ledger
    assert incomplete_counts(run, twice)[measure] == (happened, happened + 1)


@without_deadline
@given(TURN_SPEC_LISTS)
def test_a_completion_within_its_duplicate_is_counted_as_excess(turn_specs: list[TurnSpec]) -> None:
    run, trace = make_run(*turn_specs)
    nested = replace_first_span(
        trace, is_completed, lambda span: (replace(span, children=(span,)),)
    )
    assert "completions" in incomplete(count_run(run, nested))


@without_deadline
@given(TURN_SPEC_LISTS)
def test_a_lost_completion_is_missing_from_every_measure_of_it(turn_specs: list[TurnSpec]) -> None:
    run, trace = make_run(*turn_specs)
    counts = count_run(run, replace_first_span(trace, is_completed, lambda span: ()))
    assert incomplete(counts) == (
        "completions",
        "tokens",
        "costs",
        "placed",
        "prompts",
        "replies",
    )


@without_deadline
@given(st.lists(TURN_SPECS, min_size=2, max_size=4, unique_by=lambda turn: turn.agent))
def test_a_completion_in_the_turn_of_another_agent_is_misplaced(turn_specs: list[TurnSpec]) -> None:
    run, trace = make_run(*turn_specs)
    moved = next(span for span in trace if is_completed(span))
    without = replace_first_span(trace, lambda span: span is moved, lambda span: ())
    last = without.root.children[-1].agent
    wrong = replace_first_span(
        without,
        lambda span: span.type == "AGENT" and span.agent == last,
        lambda span: (replace(span, children=(*span.children, moved)),),
    )
    steps = count_run(run, trace).placed.ledger
    assert incomplete_counts(run, wrong) == {"placed": (steps, steps - 1)}


@without_deadline
@given(TURN_SPEC_LISTS)
def test_only_the_largest_part_of_a_split_tree_counts_as_placed(turn_specs: list[TurnSpec]) -> None:
    run, trace = make_run(*turn_specs)
    parts = Trace(trace.root.children)
    largest = max(sum(is_completed(s) or s.type == "TOOL" for s in part) for part in parts.roots)
    counts = count_run(run, parts)
    assert counts.turns.is_equal
    assert counts.completions.is_equal
    assert counts.placed.trace == largest


def incomplete(counts: RunCounts) -> tuple[str, ...]:
    """The measures whose two numbers differ."""
    return tuple(name for name, count in counts if not count.is_equal)


def test_each_run_of_a_case_may_have_a_tree() -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"), TurnSpec("editor"))
    parts = Trace(trace.root.children)
    several = replace(run, case=replace(run.case, expected_trees=3))
    assert count_run(run, parts).placed == FidelityCount(3, 1)
    assert incomplete_counts(several, parts) == {}


@pytest.mark.parametrize(
    "ended", [{"delivered": False}, {"status": 429}, {"status": None, "delivered": False}]
)
def test_an_incomplete_or_refused_reply_is_an_error(ended: dict[str, Any]) -> None:
    run, trace = make_run(TurnSpec("writer"))
    counts = count_run(replace(run, exchanges=(replace(run.exchanges[0], **ended),)), trace)
    assert (counts.completions.ledger, counts.errors.ledger) == (0, 1)


def test_a_chat_model_span_is_a_completion() -> None:
    run, trace = make_run(TurnSpec("writer"))
    named = replace_first_span(
        trace, is_completed, lambda span: (replace(span, type="CHAT_MODEL"),)
    )
    assert incomplete_counts(run, named) == {}


def test_an_error_that_propagates_through_spans_counts_once() -> None:
    run, trace = make_run(TurnSpec("writer", completions=0, failed_completions=1))
    turn = replace(trace.root.children[0], status="ERROR")
    propagated = Trace((replace(trace.root, status="ERROR", children=(turn,)),))
    assert incomplete_counts(run, propagated) == {}


def test_an_error_recorded_only_on_a_parent_counts() -> None:
    run, trace = make_run(TurnSpec("writer", completions=1, failed_tool_runs=1))
    turn = trace.root.children[0]
    well = tuple(replace(span, status="OK") for span in turn.children)
    around = Trace((replace(trace.root, children=(replace(turn, status="ERROR", children=well),)),))
    assert incomplete_counts(run, around) == {}


def test_a_completion_recorded_as_failed_does_not_replace_a_missing_tool_error() -> None:
    run, trace = make_run(TurnSpec("writer", completions=1, failed_tool_runs=1))
    quiet = replace_first_span(
        trace, lambda span: span.type == "TOOL", lambda span: (replace(span, status="OK"),)
    )
    wrong = replace_first_span(quiet, is_completed, lambda span: (replace(span, status="ERROR"),))
    assert count_run(run, wrong).errors == FidelityCount(1, 0)


def test_a_completion_recorded_as_failed_keeps_its_tokens_and_loses_its_cost() -> None:
    run, trace = make_run(TurnSpec("writer"))
    failed = replace_first_span(trace, is_completed, lambda span: (replace(span, status="ERROR"),))
    counts = count_run(run, failed)
    assert incomplete(counts) == ("completions", "errors", "costs", "placed")
    assert incomplete(counts)


def test_a_failed_attempt_does_not_replace_a_missing_tool_error() -> None:
    run, trace = make_run(TurnSpec("writer", completions=1, failed_tool_runs=1))
    quiet = replace_first_span(
        trace, lambda span: span.type == "TOOL", lambda span: (replace(span, status="OK"),)
    )
    refused = Span("HTTP 429", "ATTEMPT", "ERROR")
    wrong = replace_first_span(
        quiet, is_completed, lambda span: (replace(span, children=(refused,)),)
    )
    assert count_run(run, wrong).errors == FidelityCount(1, 0)


def test_a_duplicated_completion_does_not_replace_a_missing_tool() -> None:
    run, trace = make_run(TurnSpec("writer", completions=1, tool_runs=1))
    without = replace_first_span(trace, lambda span: span.type == "TOOL", lambda _: ())
    doubled = replace_first_span(without, is_completed, lambda span: (span, span))
    assert count_run(run, doubled).placed == FidelityCount(2, 1)


def test_nested_spans_of_one_agent_are_one_turn() -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    inner = replace_first_span(
        trace,
        lambda span: span.agent == "writer",
        lambda span: (replace(span, name="run writer", children=(span,)),),
    )
    assert incomplete_counts(run, inner) == {}


def test_a_turn_within_the_turn_of_another_agent_counts() -> None:
    run, _ = make_run(TurnSpec("writer"), TurnSpec("critic"), TurnSpec("writer"))
    first, second, third = map(make_completion_span, run.exchanges)
    nested_turn = Span("writer", "AGENT", children=(third,))
    between = Span("critic", "AGENT", children=(second, nested_turn))
    trace = Trace((Span("writer", "AGENT", children=(first, between)),))
    assert incomplete_counts(run, trace) == {}


def test_a_duplicated_turn_does_not_replace_a_missing_one() -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    writer, critic = trace.root.children
    named = Trace((replace(trace.root, children=(writer, replace(critic, name="writer"))),))
    assert count_run(run, named).turns == FidelityCount(2, 1)


def test_an_agent_is_found_in_a_decorated_name() -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    turns = [replace(turn, name=f"{turn.name}_7f3.run") for turn in trace.root.children]
    assert incomplete_counts(run, Trace((replace(trace.root, children=tuple(turns)),))) == {}


def test_an_agent_is_not_found_within_a_longer_word() -> None:
    run, trace = make_run(TurnSpec("ann"))
    within = replace(trace.root.children[0], name="planner")
    assert count_run(run, Trace((replace(trace.root, children=(within,)),))).turns == FidelityCount(
        1, 0
    )


def test_a_span_that_names_two_agents_is_no_turn() -> None:
    run, trace = make_run(*[TurnSpec("writer"), TurnSpec("critic")] * 2)
    team = Span("writer and critic", "AGENT", children=trace.root.children)
    assert incomplete_counts(run, Trace((team,))) == {}


def test_a_completion_of_the_team_belongs_outside_all_turns() -> None:
    run, trace = make_run(TurnSpec("writer"))
    own = make_exchange("selector", "Who is next?")
    case = replace(run.case, team_lanes=("selector",))
    run = replace(run, case=case, exchanges=(*run.exchanges, own))
    turn = trace.root.children[0]
    beside = Trace((replace(trace.root, children=(make_completion_span(own), turn)),))
    inside = replace(turn, children=(*turn.children, make_completion_span(own)))
    within = Trace((replace(trace.root, children=(inside,)),))
    assert incomplete_counts(run, beside) == {}
    assert incomplete_counts(run, within) == {"placed": (2, 1)}


def test_a_completion_that_is_a_root_is_not_in_the_team() -> None:
    run, _ = make_run(TurnSpec("writer"))
    own = make_exchange("selector", "Who is next?")
    case = replace(run.case, team_lanes=("selector",))
    run = replace(run, case=case, exchanges=(*run.exchanges, own))
    lone = Trace((make_completion_span(own), *map(make_completion_span, run.exchanges[:1])))
    assert count_run(run, lone).placed == FidelityCount(2, 0)


def test_without_agents_a_completion_may_be_a_root() -> None:
    run, _ = make_run(TurnSpec("client"))
    run = replace(run, case=replace(run.case, turns=()))
    assert incomplete_counts(run, Trace((make_completion_span(run.exchanges[0]),))) == {}


@pytest.mark.parametrize(
    "between", [("critic", "writer"), ("writer", "editor"), ("editor", "critic")]
)
def test_a_wrong_handoff_does_not_replace_a_missing_one(between: tuple[str, str]) -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    run = replace(run, case=replace(run.case, handoffs=(("writer", "critic"),)))
    giver, receiver = between
    named = {
        "flight_recorder.handoff.from_agent": giver,
        "flight_recorder.handoff.to_agent": receiver,
    }
    wrong = Span(f"{giver} → {receiver}", "HANDOFF", attributes=named)
    recorded = Trace((replace(trace.root, children=(*trace.root.children, wrong)),))
    assert count_run(run, recorded).handoffs == FidelityCount(1, 0)


def test_a_turn_that_names_the_previous_agent_records_a_handoff() -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    run = replace(run, case=replace(run.case, handoffs=(("writer", "critic"),)))
    passed = {
        "flight_recorder.handoff.from_agent": "writer",
        "flight_recorder.handoff.to_agent": "critic",
    }
    named = replace_first_span(
        trace, lambda span: span.agent == "critic", lambda span: (replace(span, attributes=passed),)
    )
    assert incomplete_counts(run, named) == {}


@pytest.mark.parametrize(
    ("own", "recorded"),
    [
        ({}, (0, 0)),
        (
            {"attributes": {TOKEN_USAGE_ATTRIBUTE: {"input_tokens": 14, "output_tokens": 4}}},
            (18, 18),
        ),
        ({"attributes": {TOKEN_USAGE_ATTRIBUTE: {"total_tokens": 36}}}, (18, 36)),
        ({"outputs": {"token_usage": {"total_tokens": 36}}}, (18, 36)),
    ],
)
def test_a_recorded_total_is_compared_with_the_tokens_used(
    own: Any, recorded: tuple[int, int]
) -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    counts = count_run(run, Trace((replace(trace.root, **own),)))
    assert (counts.totals.ledger, counts.totals.trace) == recorded
    assert counts.tokens == FidelityCount(18, 18)


def test_the_outermost_of_nested_totals_counts() -> None:
    run, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    used = {TOKEN_USAGE_ATTRIBUTE: {"total_tokens": 9}}
    turns = tuple(replace(turn, attributes=used) for turn in trace.root.children)
    of_turns = replace(trace.root, children=turns)
    of_all = replace(of_turns, attributes={TOKEN_USAGE_ATTRIBUTE: {"total_tokens": 17}})
    assert count_run(run, Trace((of_turns,))).totals == FidelityCount(18, 18)
    assert count_run(run, Trace((of_all,))).totals == FidelityCount(18, 17)


def test_the_tokens_of_an_embedding_are_no_total() -> None:
    run, trace = make_run(TurnSpec("writer"))
    embedding = Span("embed", "EMBEDDING", attributes={TOKEN_USAGE_ATTRIBUTE: {"total_tokens": 5}})
    beside = Trace((replace(trace.root, children=(*trace.root.children, embedding)),))
    assert incomplete_counts(run, beside) == {}


def test_each_record_of_a_secret_is_a_leak() -> None:
    run, trace = make_run(TurnSpec("writer"))
    spans = [{"attributes": {"client": {"api_key": API_KEY}}}, {"events": [TOOL_CREDENTIAL]}, {}]
    left: tuple[Any, ...] = ({"info": {"request_preview": API_KEY}, "data": {"spans": spans}},)
    beside: tuple[Any, ...] = (
        {"attributes": {"http.request.header.authorization": f"Bearer {API_KEY}"}},
        {},
    )
    leaky = replace(run, traces=left, spans=beside)
    assert incomplete_counts(leaky, trace) == {"leaks": (0, 4)}
