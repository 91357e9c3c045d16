"""Checks of the search agent's answers: figures without a source, and wrong citations."""

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
from workflows.search_agent import SearchAgent
from workflows.support.search.checks import cited_numbers, object_to_misquotes, split_sentences
from workflows.support.search.tools import SearchResult

LARGE = "France covers 551,500 km2, Corsica included."
SMALL = "France covers 543,965 km2, rivers and lakes left out."
RESULTS = (SearchResult(1, "France", LARGE, "here"), SearchResult(2, "France", SMALL, "there"))


class NoRounds(SearchAgent):
    max_rounds = 0


async def test_an_unsupported_figure_is_sent_back_and_searched_for(store: str) -> None:
    lines = (
        answer_line("FRA covers 640,000 km²."),
        tool_call_line(WEB),
        web_results_line(FRANCE),
        answer_line(ANSWER),
    )
    run = await run_search(store, *lines)
    assert (run.answer.outcome, run.answer.text) == ("answered", ANSWER)
    judged = run.trace.spans_of_type("GUARDRAIL")
    assert [span.attributes["flight_recorder.guardrail.passed"] for span in judged] == [False, True]
    assert "supports 640,000" in judged[0].outputs["objection"]
    assert run.fidelity.is_complete


async def test_an_answer_that_repeats_the_tasks_own_figures_needs_no_search(store: str) -> None:
    task = "FRA covers 551,500 km² and DEU 357,022 km². Which is larger, and by how much?"
    answer = "FRA, with 551,500 km²: it is larger than DEU by 194,478 km²."
    run = await run_search(store, answer_line(answer), task=task)
    assert (run.answer.outcome, run.tools) == ("answered", ())


async def test_a_figure_of_another_result_than_the_cited_one_is_sent_back(store: str) -> None:
    wrong = answer_line("FRA covers 357,022 km² [1].")
    run = await run_search(
        store, tool_call_line(WEB), web_results_line(FRANCE, GERMANY), wrong, answer_line(ANSWER)
    )
    assert run.answer.text == ANSWER
    assert (
        "[1] does not support 357,022"
        in run.trace.spans_of_type("GUARDRAIL")[0].outputs["objection"]
    )


async def test_two_results_that_disagree_may_be_reported(store: str) -> None:
    answer = "The results disagree: 551,500 km² by [1], 543,965 km² by [2]."
    found = {**FRANCE, "text": SMALL}
    run = await run_search(
        store, tool_call_line(WEB), web_results_line(FRANCE, found), answer_line(answer)
    )
    assert (run.answer.outcome, run.answer.text) == ("answered", answer)


async def test_the_error_of_a_failed_call_may_be_repeated(store: str) -> None:
    answer = "The area can't be answer: the web search answered HTTP 500."
    run = await run_search(
        store, tool_call_line(WEB), failing_search_line("tavily", 500, {}), answer_line(answer)
    )
    assert (run.answer.outcome, run.answer.text) == ("answered", answer)


async def test_an_empty_answer_is_sent_back(store: str) -> None:
    run = await run_search(store, answer_line(" "), answer_line("Hello."))
    assert run.answer.text == "Hello."


async def test_an_answer_that_stays_wrong_ends_as_unsupported_with_its_objection(
    store: str,
) -> None:
    run = await run_search(store, *[answer_line("FRA covers 640,000 km².")] * 3)
    assert run.answer.outcome == "unsupported"
    assert "640,000" in run.answer.objection
    assert run.trace.root.outputs["objection"] == run.answer.objection


async def test_an_answer_without_rounds_left_is_validated_too(store: str) -> None:
    run = await run_search(
        store, tool_call_line(WEB), answer_line("FRA covers 640,000 km²."), agent=NoRounds
    )
    assert run.answer.outcome == "out of rounds"
    assert "640,000" in run.answer.objection


@pytest.mark.parametrize(
    ("answer", "objection"),
    [
        ("It covers 551,500 km² [1], or 543,965 km² without water [2].", ""),
        ("It covers 551,500 km². [1] Without water 543,965 km². [2]", ""),
        ("It covers 551,500 km², says [1]; [2] says 543,965 km².", ""),
        ("It covers about 550,000 km² [1].", ""),
        ("543,965 km² [2] is 7,535 km² less than 551,500 km² [1].", ""),
        ("It covers 551,500 km².", ""),
        ("It is large [1].", ""),
        ("1. Area: 551,500 km² [1]\n2. Without water: 543,965 km² [2]", ""),
        ("It covers 543,965 km² [1].", "[1] does not support 543,965"),
        ("It covers 551,500 km². [2]", "[2] does not support 551,500"),
        ("It is large [3].", "there is no result [3]"),
        ("It is large [1, 3].", "there is no result [3]"),
        ("It covers 551,500 km² [1, 2].", ""),
        ("Twice as large as the 99 km² of the task [1].", ""),
    ],
)
def test_each_sentence_is_compared_with_the_results_that_it_cites(
    answer: str, objection: str
) -> None:
    found = object_to_misquotes(answer, RESULTS, ["Is it larger than 99 km²?"]) or ""
    assert bool(found) is bool(objection)
    assert objection in found


def test_a_citation_after_the_full_stop_belongs_to_the_sentence() -> None:
    assert split_sentences("One [1]. Two. [2] [3] Three\n- Four [4]\n5. Five") == (
        "One [1].",
        "Two. [2] [3]",
        "Three",
        "- Four [4]",
        "5. Five",
    )


def test_only_numbers_in_square_brackets_are_citations() -> None:
    assert cited_numbers("By [1] and [22], (3), [four] and [5.") == {1, 22}


def test_brackets_may_cite_several_results() -> None:
    assert cited_numbers("By [1, 2] and [4,5]; of [1,000] nothing is cited.") == {1, 2, 4, 5}
