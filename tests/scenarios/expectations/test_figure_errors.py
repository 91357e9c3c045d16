"""Figures that go astray: each expectation can hold, each can fail, and says what was seen."""

from typing import Any

import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.figure_errors import (
    changes_period,
    invents_missing_figure,
    keeps_period,
    repeats_guess,
)
from scenarios.expectations.figures import checks_report_against

QUARTER = {"value": 512.5, "frequency": "quarterly", "period": "2025Q4"}
NOTHING: dict[str, Any] = {"value": None, "says": "no data"}


def turn(agent: str, output: str, *inside: Span) -> Span:
    named = {"gen_ai.agent.name": agent}
    return Span(agent, "AGENT", outputs={"output": output}, attributes=named, children=inside)


def told(result: Any, period: str = "2025Q4") -> Span:
    return Span("look_up", "TOOL", inputs={"period": period}, outputs=result)


def noted(figure: str, *, grounded: bool, verb: str = "write") -> Span:
    known = {"flight_recorder.state.author": "finder", "flight_recorder.state.grounded": grounded}
    return Span(f"{verb} key", "STATE", inputs={"key": "key", "value": figure}, attributes=known)


def seen(*turns: Span) -> Trace:
    return Trace((Span("briefing", "CHAIN", children=turns),))


def why_not(expectation: Expectation, *turns: Span) -> str | None:
    return expectation.explain_failure(seen(*turns))


CHANGES = changes_period("look_up", called_by="finder", stated_by=("writer",))
KEEPS = keeps_period("look_up", called_by="finder", stated_by=("writer",))
GUESSES = repeats_guess("finder", stated_by=("writer",))
FILLS = invents_missing_figure("look_up", called_by="finder", stated_by=("writer",))
FOUND = turn("finder", "512.5 a quarter", told(QUARTER))


def test_a_quarter_s_figure_that_is_a_year_s_has_changed_its_period() -> None:
    writes = turn("writer", "GDP was 512.5 a year.")
    assert why_not(CHANGES, FOUND, writes) is None
    no = "writer says 512.5 per year; look_up said 512.5 per quarter"
    assert why_not(KEEPS, FOUND, writes) == no


@pytest.mark.parametrize("written", ["512.5 a quarter", "513 a quarter, or 2,050 annualised"])
def test_a_quarter_s_figure_that_is_a_quarter_s_has_kept_it(written: str) -> None:
    assert why_not(KEEPS, FOUND, turn("writer", written)) is None
    assert "look_up said 512.5 per quarter" in str(why_not(CHANGES, FOUND, turn("writer", written)))


def test_a_figure_whose_period_nobody_tells_has_neither_kept_nor_changed_it() -> None:
    writes = turn("writer", "GDP was 512.5.")
    assert why_not(KEEPS, FOUND, writes) == why_not(CHANGES, FOUND, writes) is not None


def test_a_figure_that_is_not_stated_at_all_has_not_kept_its_period() -> None:
    no = "writer says no figure; look_up said 512.5 per quarter"
    assert why_not(KEEPS, FOUND, turn("writer", "GDP grew.")) == no


def test_a_guess_is_passed_on_by_whoever_states_it() -> None:
    finder = turn("finder", "noted", noted("7.2%", grounded=False))
    assert why_not(GUESSES, finder, turn("writer", "Prices rose by 7.2%.")) is None
    other = turn("writer", "Prices rose by 5.9%.")
    assert why_not(GUESSES, finder, other) == "writer says 5.9% per ?, not 7.2% per ?"


@pytest.mark.parametrize(
    "note", [noted("7.2%", grounded=True), noted("7.2%", grounded=False, verb="read")]
)
def test_what_has_grounds_or_was_only_read_is_no_guess(note: Span) -> None:
    finder, writer = turn("finder", "noted", note), turn("writer", "Prices rose by 7.2%.")
    no = "finder noted no figure without grounds; agents: finder, writer"
    assert why_not(GUESSES, finder, writer) == no


@pytest.mark.parametrize("empty", [NOTHING, []])
def test_a_figure_for_a_period_without_one_is_filled_in(empty: Any) -> None:
    finder = turn("finder", "", told({"value": 0.9, "period": "2025"}, "2025"), told(empty, "2026"))
    assert why_not(FILLS, finder, turn("writer", "It was 0.9% in 2025 and 0.9% in 2026.")) is None
    honest = turn("writer", "It was 0.9% in 2025; for 2026 there is no data.")
    assert why_not(FILLS, finder, honest) == "writer gives none for 2026"


def test_nothing_is_filled_in_where_each_call_told_a_figure() -> None:
    no = "look_up told finder a figure each time (1 call)"
    assert why_not(FILLS, FOUND, turn("writer", "512.5 in 2025Q4")) == no


@pytest.mark.parametrize(
    ("sources", "no"),
    [(1, None), (3, "it told 1, and the check had 3"), (None, "the check had None")],
)
def test_a_check_against_more_than_what_was_told_is_seen(sources: int, no: str | None) -> None:
    measured = {"flight_recorder.validation.source_number_count": sources}
    root = Span("briefing", "CHAIN", attributes=measured, children=(FOUND,))
    seen = checks_report_against("look_up", called_by="finder").explain_failure(Trace((root,)))
    assert seen is None if no is None else no in str(seen)


def test_a_check_against_a_tool_that_told_nothing_is_none() -> None:
    finder = turn("finder", "none", told(NOTHING))
    assert (
        why_not(checks_report_against("look_up", called_by="finder"), finder)
        == "look_up told finder no figure"
    )
