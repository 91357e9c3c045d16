"""Answers of the search agent, judged before they are given."""

import pytest

from tests.support.search_runs import (
    ANSWER,
    FRANCE,
    GERMANY,
    WEB,
    answer_line,
    failing_search_line,
    run_search,
    tool_call_line,
    web_results_line,
)
from workflows.citations import Judge, Result, borne_out, sentences, the_cited
from workflows.marks import cites

LARGE = "France covers 551,500 km2, Corsica included."
SMALL = "France covers 543,965 km2, rivers and lakes left out."
RESULTS = (Result(1, "France", LARGE, "here"), Result(2, "France", SMALL, "there"))


async def test_a_figure_from_nowhere_is_sent_back_and_searched_for(store: str) -> None:
    lines = (
        answer_line("FRA covers 640,000 km²."),
        tool_call_line(WEB),
        web_results_line(FRANCE),
        answer_line(ANSWER),
    )
    ran = await run_search(store, *lines)
    assert (ran.research.outcome, ran.research.answer) == ("answered", ANSWER)
    judged = ran.trace.spans_of_type("GUARDRAIL")
    assert [span.attributes["flight_recorder.guardrail.passed"] for span in judged] == [False, True]
    assert "bears out 640,000" in judged[0].outputs["objection"]
    assert ran.fidelity.is_complete


async def test_an_answer_that_repeats_the_tasks_own_figures_needs_no_search(store: str) -> None:
    task = "FRA covers 551,500 km² and DEU 357,022 km². Which is larger, and by how much?"
    said = "FRA, with 551,500 km²: it is larger than DEU by 194,478 km²."
    ran = await run_search(store, answer_line(said), task=task)
    assert (ran.research.outcome, ran.tools) == ("answered", ())


async def test_a_figure_of_another_result_than_the_cited_is_sent_back(store: str) -> None:
    wrong = answer_line("FRA covers 357,022 km² [1].")
    ran = await run_search(
        store, tool_call_line(WEB), web_results_line(FRANCE, GERMANY), wrong, answer_line(ANSWER)
    )
    assert ran.research.answer == ANSWER
    assert (
        "[1] does not bear out 357,022"
        in ran.trace.spans_of_type("GUARDRAIL")[0].outputs["objection"]
    )


async def test_two_results_that_disagree_may_be_reported(store: str) -> None:
    said = "The results disagree: 551,500 km² by [1], 543,965 km² by [2]."
    found = {**FRANCE, "text": SMALL}
    ran = await run_search(
        store, tool_call_line(WEB), web_results_line(FRANCE, found), answer_line(said)
    )
    assert (ran.research.outcome, ran.research.answer) == ("answered", said)


async def test_what_a_failed_call_said_may_be_repeated(store: str) -> None:
    said = "The area can't be said: the web search answered HTTP 500."
    ran = await run_search(
        store, tool_call_line(WEB), failing_search_line("tavily", 500, {}), answer_line(said)
    )
    assert (ran.research.outcome, ran.research.answer) == ("answered", said)


async def test_an_empty_answer_is_sent_back(store: str) -> None:
    ran = await run_search(store, answer_line(" "), answer_line("Hello."))
    assert ran.research.answer == "Hello."


async def test_an_answer_that_stays_wrong_is_unsupported_and_says_why(store: str) -> None:
    ran = await run_search(store, *[answer_line("FRA covers 640,000 km².")] * 3)
    assert ran.research.outcome == "unsupported"
    assert "640,000" in ran.research.objection
    assert ran.trace.root.outputs["objection"] == ran.research.objection


async def test_an_answer_out_of_rounds_is_judged_too(store: str) -> None:
    ran = await run_search(
        store, tool_call_line(WEB), answer_line("FRA covers 640,000 km²."), rounds=0
    )
    assert ran.research.outcome == "out of rounds"
    assert "640,000" in ran.research.objection


@pytest.mark.parametrize(
    ("answer", "objects"),
    [
        ("It covers 551,500 km² [1], or 543,965 km² without water [2].", ""),
        ("It covers 551,500 km². [1] Without water 543,965 km². [2]", ""),
        ("It covers 551,500 km², says [1]; [2] says 543,965 km².", ""),
        ("It covers about 550,000 km² [1].", ""),
        ("543,965 km² [2] is 7,535 km² less than 551,500 km² [1].", ""),
        ("It covers 551,500 km².", ""),
        ("It is large [1].", ""),
        ("1. Area: 551,500 km² [1]\n2. Without water: 543,965 km² [2]", ""),
        ("It covers 543,965 km² [1].", "[1] does not bear out 543,965"),
        ("It covers 551,500 km². [2]", "[2] does not bear out 551,500"),
        ("It is large [3].", "there is no result [3]"),
        ("It is large [1, 3].", "there is no result [3]"),
        ("It covers 551,500 km² [1, 2].", ""),
        ("Twice as large as the 99 km² of the task [1].", ""),
    ],
)
def test_each_sentence_is_held_against_what_it_cites(answer: str, objects: str) -> None:
    judge = Judge(borne_out, the_cited)
    said = judge.misread(answer, ["Is it larger than 99 km²?"], RESULTS) or ""
    assert bool(said) is bool(objects)
    assert objects in said


def test_a_citation_behind_the_full_stop_belongs_to_the_sentence() -> None:
    assert sentences("One [1]. Two. [2] [3] Three\n- Four [4]\n5. Five") == (
        "One [1].",
        "Two. [2] [3]",
        "Three",
        "- Four [4]",
        "5. Five",
    )


def test_only_numbers_in_square_brackets_cite() -> None:
    assert cites("By [1] and [22], (3), [four] and [5.") == {1, 22}


def test_brackets_may_cite_several_results() -> None:
    assert cites("By [1, 2] and [4,5]; of [1,000] nothing is cited.") == {1, 2, 4, 5}
