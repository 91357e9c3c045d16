"""What is counted of a flight: each thing that a trace leaves out, doubles or misplaces shows."""

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

unhurried = settings(max_examples=30, deadline=None)


@unhurried
@given(TURN_SPEC_LISTS)
def test_a_trace_that_tells_all_is_complete(works: list[TurnSpec]) -> None:
    assert incomplete_counts(*make_run(*works)) == {}


@unhurried
@given(TURN_SPEC_LISTS)
def test_no_trace_tells_nothing(works: list[TurnSpec]) -> None:
    flight, _ = make_run(*works)
    told: RunCounts = count_run(flight, Trace(()))
    assert {count.trace for _, count in told} == {0}


@unhurried
@given(TURN_SPEC_LISTS)
def test_a_doubled_span_is_more_than_happened(works: list[TurnSpec]) -> None:
    flight, trace = make_run(*works)
    seen = count_run(flight, replace_first_span(trace, is_completed, lambda span: (span, span)))
    assert seen.incomplete_measures == ("completions", "tokens", "costs")
    assert seen.completions.trace == seen.completions.ledger + 1


DOUBLED = {
    "tools": lambda span: span.type == "TOOL",
    "turns": lambda span: span.type == "AGENT",
    "handoffs": lambda span: span.type == "HANDOFF",
    "errors": lambda span: span.failed,
}
"""What to tell twice, by the measure in which it shows."""


@pytest.mark.parametrize("measure", DOUBLED)
def test_what_is_told_twice_is_more_than_happened(measure: str) -> None:
    flight, trace = make_run(
        TurnSpec("writer", failed_completions=1, tool_runs=1), TurnSpec("critic")
    )
    flight = replace(flight, case=replace(flight.case, handoffs=(("writer", "critic"),)))
    passed = {
        "flight_recorder.handoff.from_agent": "writer",
        "flight_recorder.handoff.to_agent": "critic",
    }
    handoff = Span("writer → critic", "HANDOFF", attributes=passed)
    whole = Trace((replace(trace.root, children=(*trace.root.children, handoff)),))
    assert incomplete_counts(flight, whole) == {}
    twice = replace_first_span(whole, DOUBLED[measure], lambda span: (span, span))
    happened = dict(count_run(flight, whole))[measure].ledger
    assert incomplete_counts(flight, twice)[measure] == (happened, happened + 1)


@unhurried
@given(TURN_SPEC_LISTS)
def test_a_span_within_its_double_is_more_than_happened(works: list[TurnSpec]) -> None:
    flight, trace = make_run(*works)
    nested = replace_first_span(
        trace, is_completed, lambda span: (replace(span, children=(span,)),)
    )
    assert "completions" in count_run(flight, nested).incomplete_measures


@unhurried
@given(TURN_SPEC_LISTS)
def test_a_lost_span_is_missed_wherever_it_is_due(works: list[TurnSpec]) -> None:
    flight, trace = make_run(*works)
    seen = count_run(flight, replace_first_span(trace, is_completed, lambda span: ()))
    assert seen.incomplete_measures == (
        "completions",
        "tokens",
        "costs",
        "placed",
        "prompts",
        "replies",
    )


@unhurried
@given(st.lists(TURN_SPECS, min_size=2, max_size=4, unique_by=lambda work: work.agent))
def test_a_span_in_another_agents_turn_is_misplaced(works: list[TurnSpec]) -> None:
    flight, trace = make_run(*works)
    moved = next(span for span in trace if is_completed(span))
    without = replace_first_span(trace, lambda span: span is moved, lambda span: ())
    last = without.root.children[-1].agent
    wrong = replace_first_span(
        without,
        lambda span: span.type == "AGENT" and span.agent == last,
        lambda span: (replace(span, children=(*span.children, moved)),),
    )
    steps = count_run(flight, trace).placed.ledger
    assert incomplete_counts(flight, wrong) == {"placed": (steps, steps - 1)}


@unhurried
@given(TURN_SPEC_LISTS)
def test_of_a_torn_tree_only_the_largest_part_is_the_one(works: list[TurnSpec]) -> None:
    flight, trace = make_run(*works)
    parts = Trace(trace.root.children)
    largest = max(sum(is_completed(s) or s.type == "TOOL" for s in part) for part in parts.roots)
    seen = count_run(flight, parts)
    assert seen.turns.is_equal
    assert seen.completions.is_equal
    assert seen.placed.trace == largest


def test_of_a_case_with_several_runs_each_has_a_tree() -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"), TurnSpec("editor"))
    parts = Trace(trace.root.children)
    several = replace(flight, case=replace(flight.case, expected_trees=3))
    assert count_run(flight, parts).placed == FidelityCount(3, 1)
    assert incomplete_counts(several, parts) == {}


@pytest.mark.parametrize(
    "ended", [{"delivered": False}, {"status": 429}, {"status": None, "delivered": False}]
)
def test_a_reply_that_was_cut_or_refused_has_not_arrived(ended: dict[str, Any]) -> None:
    flight, trace = make_run(TurnSpec("writer"))
    seen = count_run(replace(flight, exchanges=(replace(flight.exchanges[0], **ended),)), trace)
    assert (seen.completions.ledger, seen.errors.ledger) == (0, 1)


def test_a_chat_models_span_is_one_of_a_completion() -> None:
    flight, trace = make_run(TurnSpec("writer"))
    named = replace_first_span(
        trace, is_completed, lambda span: (replace(span, type="CHAT_MODEL"),)
    )
    assert incomplete_counts(flight, named) == {}


def test_an_error_that_flew_through_spans_is_one() -> None:
    flight, trace = make_run(TurnSpec("writer", completions=0, failed_completions=1))
    turn = replace(trace.root.children[0], status="ERROR")
    flew = Trace((replace(trace.root, status="ERROR", children=(turn,)),))
    assert incomplete_counts(flight, flew) == {}


def test_an_error_that_is_told_only_around_its_place_is_told() -> None:
    flight, trace = make_run(TurnSpec("writer", completions=1, failed_tool_runs=1))
    turn = trace.root.children[0]
    well = tuple(replace(span, status="OK") for span in turn.children)
    around = Trace((replace(trace.root, children=(replace(turn, status="ERROR", children=well),)),))
    assert incomplete_counts(flight, around) == {}


def test_a_completion_that_failed_in_its_recording_makes_up_for_no_tool() -> None:
    flight, trace = make_run(TurnSpec("writer", completions=1, failed_tool_runs=1))
    quiet = replace_first_span(
        trace, lambda span: span.type == "TOOL", lambda span: (replace(span, status="OK"),)
    )
    wrong = replace_first_span(quiet, is_completed, lambda span: (replace(span, status="ERROR"),))
    assert count_run(flight, wrong).errors == FidelityCount(1, 0)


def test_an_answer_that_is_told_as_failed_keeps_its_tokens_and_has_no_cost() -> None:
    flight, trace = make_run(TurnSpec("writer"))
    failed = replace_first_span(trace, is_completed, lambda span: (replace(span, status="ERROR"),))
    seen = count_run(flight, failed)
    assert seen.incomplete_measures == ("completions", "errors", "costs", "placed")
    assert not seen.is_complete


def test_an_attempt_that_failed_makes_up_for_no_tool() -> None:
    flight, trace = make_run(TurnSpec("writer", completions=1, failed_tool_runs=1))
    quiet = replace_first_span(
        trace, lambda span: span.type == "TOOL", lambda span: (replace(span, status="OK"),)
    )
    refused = Span("HTTP 429", "ATTEMPT", "ERROR")
    wrong = replace_first_span(
        quiet, is_completed, lambda span: (replace(span, children=(refused,)),)
    )
    assert count_run(flight, wrong).errors == FidelityCount(1, 0)


def test_a_doubled_completion_makes_up_for_no_tool() -> None:
    flight, trace = make_run(TurnSpec("writer", completions=1, tool_runs=1))
    without = replace_first_span(trace, lambda span: span.type == "TOOL", lambda _: ())
    doubled = replace_first_span(without, is_completed, lambda span: (span, span))
    assert count_run(flight, doubled).placed == FidelityCount(2, 1)


def test_turns_of_one_agent_within_each_other_are_one() -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    inner = replace_first_span(
        trace,
        lambda span: span.agent == "writer",
        lambda span: (replace(span, name="run writer", children=(span,)),),
    )
    assert incomplete_counts(flight, inner) == {}


def test_a_turn_within_anothers_turn_is_a_turn() -> None:
    flight, _ = make_run(TurnSpec("writer"), TurnSpec("critic"), TurnSpec("writer"))
    first, second, third = map(make_completion_span, flight.exchanges)
    asked = Span("writer", "AGENT", children=(third,))
    between = Span("critic", "AGENT", children=(second, asked))
    trace = Trace((Span("writer", "AGENT", children=(first, between)),))
    assert incomplete_counts(flight, trace) == {}


def test_a_turn_that_is_doubled_makes_up_for_no_other() -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    writer, critic = trace.root.children
    named = Trace((replace(trace.root, children=(writer, replace(critic, name="writer"))),))
    assert count_run(flight, named).turns == FidelityCount(2, 1)


def test_an_agent_is_found_in_the_words_around_its_name() -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    turns = [replace(turn, name=f"{turn.name}_7f3.run") for turn in trace.root.children]
    assert incomplete_counts(flight, Trace((replace(trace.root, children=tuple(turns)),))) == {}


def test_an_agent_is_not_found_within_a_word() -> None:
    flight, trace = make_run(TurnSpec("ann"))
    within = replace(trace.root.children[0], name="planner")
    assert count_run(
        flight, Trace((replace(trace.root, children=(within,)),))
    ).turns == FidelityCount(1, 0)


def test_a_span_that_names_two_agents_is_a_turn_of_neither() -> None:
    flight, trace = make_run(*[TurnSpec("writer"), TurnSpec("critic")] * 2)
    team = Span("writer and critic", "AGENT", children=trace.root.children)
    assert incomplete_counts(flight, Trace((team,))) == {}


def test_a_completion_of_the_teams_own_belongs_in_the_team_and_in_no_turn() -> None:
    flight, trace = make_run(TurnSpec("writer"))
    own = make_exchange("selector", "Who is next?")
    case = replace(flight.case, team_lanes=("selector",))
    flight = replace(flight, case=case, exchanges=(*flight.exchanges, own))
    turn = trace.root.children[0]
    beside = Trace((replace(trace.root, children=(make_completion_span(own), turn)),))
    inside = replace(turn, children=(*turn.children, make_completion_span(own)))
    within = Trace((replace(trace.root, children=(inside,)),))
    assert incomplete_counts(flight, beside) == {}
    assert incomplete_counts(flight, within) == {"placed": (2, 1)}


def test_a_completion_that_stands_alone_is_in_no_team() -> None:
    flight, _ = make_run(TurnSpec("writer"))
    own = make_exchange("selector", "Who is next?")
    case = replace(flight.case, team_lanes=("selector",))
    flight = replace(flight, case=case, exchanges=(*flight.exchanges, own))
    lone = Trace((make_completion_span(own), *map(make_completion_span, flight.exchanges[:1])))
    assert count_run(flight, lone).placed == FidelityCount(2, 0)


def test_without_agents_a_completion_may_stand_alone() -> None:
    flight, _ = make_run(TurnSpec("client"))
    flight = replace(flight, case=replace(flight.case, turns=()))
    assert incomplete_counts(flight, Trace((make_completion_span(flight.exchanges[0]),))) == {}


@pytest.mark.parametrize(
    "between", [("critic", "writer"), ("writer", "editor"), ("editor", "critic")]
)
def test_a_handoff_between_others_makes_up_for_none(between: tuple[str, str]) -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    flight = replace(flight, case=replace(flight.case, handoffs=(("writer", "critic"),)))
    giver, receiver = between
    named = {
        "flight_recorder.handoff.from_agent": giver,
        "flight_recorder.handoff.to_agent": receiver,
    }
    wrong = Span(f"{giver} → {receiver}", "HANDOFF", attributes=named)
    told = Trace((replace(trace.root, children=(*trace.root.children, wrong)),))
    assert count_run(flight, told).handoffs == FidelityCount(1, 0)


def test_a_turn_that_names_whom_its_work_came_from_tells_a_handoff() -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    flight = replace(flight, case=replace(flight.case, handoffs=(("writer", "critic"),)))
    passed = {
        "flight_recorder.handoff.from_agent": "writer",
        "flight_recorder.handoff.to_agent": "critic",
    }
    named = replace_first_span(
        trace, lambda span: span.agent == "critic", lambda span: (replace(span, attributes=passed),)
    )
    assert incomplete_counts(flight, named) == {}


@pytest.mark.parametrize(
    ("own", "told"),
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
def test_a_total_that_is_told_is_what_was_used(own: Any, told: tuple[int, int]) -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    seen = count_run(flight, Trace((replace(trace.root, **own),)))
    assert (seen.totals.ledger, seen.totals.trace) == told
    assert seen.tokens == FidelityCount(18, 18)


def test_of_totals_within_each_other_the_outermost_counts() -> None:
    flight, trace = make_run(TurnSpec("writer"), TurnSpec("critic"))
    used = {TOKEN_USAGE_ATTRIBUTE: {"total_tokens": 9}}
    turns = tuple(replace(turn, attributes=used) for turn in trace.root.children)
    of_turns = replace(trace.root, children=turns)
    of_all = replace(of_turns, attributes={TOKEN_USAGE_ATTRIBUTE: {"total_tokens": 17}})
    assert count_run(flight, Trace((of_turns,))).totals == FidelityCount(18, 18)
    assert count_run(flight, Trace((of_all,))).totals == FidelityCount(18, 17)


def test_what_an_embedding_used_is_no_total() -> None:
    flight, trace = make_run(TurnSpec("writer"))
    embedding = Span("embed", "EMBEDDING", attributes={TOKEN_USAGE_ATTRIBUTE: {"total_tokens": 5}})
    beside = Trace((replace(trace.root, children=(*trace.root.children, embedding)),))
    assert incomplete_counts(flight, beside) == {}


def test_each_record_of_a_secret_is_a_leak() -> None:
    flight, trace = make_run(TurnSpec("writer"))
    spans = [{"attributes": {"client": {"api_key": API_KEY}}}, {"events": [TOOL_CREDENTIAL]}, {}]
    left: tuple[Any, ...] = ({"info": {"request_preview": API_KEY}, "data": {"spans": spans}},)
    beside: tuple[Any, ...] = (
        {"attributes": {"http.request.header.authorization": f"Bearer {API_KEY}"}},
        {},
    )
    leaky = replace(flight, traces=left, spans=beside)
    assert incomplete_counts(leaky, trace) == {"leaks": (0, 4)}
