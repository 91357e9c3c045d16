"""Expectations about wrong figures: each can hold and fail, and explains its failure."""

from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from scenarios.expectations import (
    Expectation,
    changes_period,
    checks_report_against,
    invents_missing_figure,
    keeps_period,
    repeats_guess,
)

QUARTER = {"value": 512.5, "frequency": "quarterly", "period": "2025Q4"}
NOTHING: dict[str, Any] = {"value": None, "note": "no data"}


def turn(agent: str, output: str, *inside: Span) -> Span:
    attributes = {"gen_ai.agent.name": agent}
    return Span(agent, "AGENT", outputs={"output": output}, attributes=attributes, children=inside)


def lookup(result: Any, period: str = "2025Q4") -> Span:
    return Span("look_up", "TOOL", inputs={"period": period}, outputs=result)


def state_span(figure: str, *, grounded: bool, verb: str = "write") -> Span:
    attributes = {
        "flight_recorder.state.author": "finder",
        "flight_recorder.state.grounded": grounded,
    }
    return Span(
        f"{verb} key", "STATE", inputs={"key": "key", "value": figure}, attributes=attributes
    )


def trace_of(*turns: Span) -> Trace:
    return Trace((Span("briefing", "CHAIN", children=turns),))


def failure_of(expectation: Expectation, *turns: Span) -> str | None:
    return expectation.explain_failure(trace_of(*turns))


CHANGES = changes_period("look_up", called_by="finder", stated_by=("writer",))
KEEPS = keeps_period("look_up", called_by="finder", stated_by=("writer",))
REPEATS_GUESS = repeats_guess("finder", stated_by=("writer",))
INVENTS = invents_missing_figure("look_up", called_by="finder", stated_by=("writer",))
FOUND = turn("finder", "512.5 a quarter", lookup(QUARTER))


def test_quarterly_figure_stated_as_yearly_changes_its_period() -> None:
    writes = turn("writer", "GDP was 512.5 a year.")
    assert failure_of(CHANGES, FOUND, writes) is None
    sentence = "writer states 512.5 per year; look_up returned 512.5 per quarter"
    assert failure_of(KEEPS, FOUND, writes) == sentence


@pytest.mark.parametrize("written", ["512.5 a quarter", "513 a quarter, or 2,050 annualised"])
def test_quarterly_figure_stated_as_quarterly_keeps_its_period(written: str) -> None:
    assert failure_of(KEEPS, FOUND, turn("writer", written)) is None
    assert "look_up returned 512.5 per quarter" in str(
        failure_of(CHANGES, FOUND, turn("writer", written))
    )


def test_figure_stated_without_a_period_neither_keeps_nor_changes_it() -> None:
    writes = turn("writer", "GDP was 512.5.")
    assert failure_of(KEEPS, FOUND, writes) == failure_of(CHANGES, FOUND, writes) is not None


def test_figure_that_is_not_stated_does_not_keep_its_period() -> None:
    sentence = "writer states no figure; look_up returned 512.5 per quarter"
    assert failure_of(KEEPS, FOUND, turn("writer", "GDP grew.")) == sentence


def test_guess_is_repeated_by_an_agent_that_states_it() -> None:
    finder = turn("finder", "noted", state_span("7.2%", grounded=False))
    assert failure_of(REPEATS_GUESS, finder, turn("writer", "Prices rose by 7.2%.")) is None
    other = turn("writer", "Prices rose by 5.9%.")
    assert failure_of(REPEATS_GUESS, finder, other) == "writer states 5.9% per ?, not 7.2% per ?"


@pytest.mark.parametrize(
    "note", [state_span("7.2%", grounded=True), state_span("7.2%", grounded=False, verb="read")]
)
def test_grounded_write_and_read_are_not_guesses(note: Span) -> None:
    finder, writer = turn("finder", "noted", note), turn("writer", "Prices rose by 7.2%.")
    sentence = "finder wrote no ungrounded figure; agents at work: finder, writer"
    assert failure_of(REPEATS_GUESS, finder, writer) == sentence


@pytest.mark.parametrize("empty", [NOTHING, []])
def test_figure_for_a_period_without_data_is_invented(empty: Any) -> None:
    finder = turn(
        "finder", "", lookup({"value": 0.9, "period": "2025"}, "2025"), lookup(empty, "2026")
    )
    assert (
        failure_of(INVENTS, finder, turn("writer", "It was 0.9% in 2025 and 0.9% in 2026.")) is None
    )
    honest = turn("writer", "It was 0.9% in 2025; for 2026 there is no data.")
    assert failure_of(INVENTS, finder, honest) == "writer states none for 2026"


def test_nothing_is_invented_if_each_call_returned_a_figure() -> None:
    sentence = "look_up returned a figure in each of 1 call"
    assert failure_of(INVENTS, FOUND, turn("writer", "512.5 in 2025Q4")) == sentence


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (1, None),
        (3, "look_up returned 1 figures, and the check used 3"),
        (None, "the check used None"),
    ],
)
def test_report_checked_against_other_figures_fails(sources: int, sentence: str | None) -> None:
    attributes = {"flight_recorder.validation.source_number_count": sources}
    root = Span("briefing", "CHAIN", attributes=attributes, children=(FOUND,))
    found = checks_report_against("look_up", called_by="finder").explain_failure(Trace((root,)))
    assert found is None if sentence is None else sentence in str(found)


def test_report_check_needs_a_tool_that_returned_figures() -> None:
    finder = turn("finder", "none", lookup(NOTHING))
    assert (
        failure_of(checks_report_against("look_up", called_by="finder"), finder)
        == "look_up returned no figure to finder"
    )
