"""What a search agent asks and cites: each expectation can hold, each can fail, and says why."""

import json
from typing import Any

import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.citations import cites_supporting_sources, cites_unsupporting_sources
from scenarios.expectations.search import (
    claims_figure_without_search,
    ignores_malformed_arguments,
    queries_another_country,
    queries_stated_country,
)

TASK = "How many people live in Croatia (HRV)? One says 4.4 million."
CLAIMS = claims_figure_without_search("finder")
AMISS, WELL = cites_unsupporting_sources("finder"), cites_supporting_sources("finder")
SWALLOWS = ignores_malformed_arguments("finder", "look_up")
OTHER, SAME = (
    queries_another_country("finder", "look_up"),
    queries_stated_country("finder", "look_up"),
)


def seen(expectation: Expectation, answer: str, *inside: Span, task: str = TASK) -> str | None:
    inputs, outputs = {"task": task}, {"answer": answer, "sources": []}
    turn = Span("finder", "AGENT", inputs=inputs, outputs=outputs, children=inside)
    return expectation.explain_failure(Trace((Span("research", "CHAIN", children=(turn,)),)))


def completion(text: str | None = None, *arguments: str, told: tuple[str, ...] = ()) -> Span:
    calls = [{"function": {"name": "look_up", "arguments": one}} for one in arguments]
    messages = [{"role": "tool", "content": content} for content in told]
    choices = [{"message": {"content": text, "tool_calls": calls or None}}]
    return Span("ask", "LLM", inputs={"messages": messages}, outputs={"choices": choices})


def call(inputs: Any, status: str = "OK") -> Span:
    return Span("look_up", "TOOL", status, inputs=inputs, outputs={"results": []})


def about(country: str) -> str:
    return json.dumps({"query": "people", "country": country})


def asked(said: str, country: str, status: str = "OK") -> tuple[Span, Span]:
    return completion(said, about(country)), call({"query": "people", "country": country}, status)


def test_a_figure_that_no_search_was_made_for_is_a_claim() -> None:
    assert seen(CLAIMS, "It has 4.28 million people.", completion()) is None


def test_a_figure_of_the_task_is_no_claim() -> None:
    no = "its task holds each figure of its answer: It has 4.4 million people."
    assert seen(CLAIMS, "It has 4.4 million people.", completion()) == no


def test_a_figure_after_a_search_is_no_claim_without_one() -> None:
    assert seen(CLAIMS, "It has 4.28 million people.", call({"query": "x"})) == "finder made 1 call"


def test_a_search_that_failed_was_none() -> None:
    assert seen(CLAIMS, "It has 4.28 million people.", call({"query": "x"}, "ERROR")) is None


TOLD = ("[1] Census (a)\n3.87 million people\n[2] Estimate (b)\n3.85 million people", "[3] C\n7%")


@pytest.mark.parametrize(
    "answer",
    [
        "It has 3.87 million people [1]. Others reckon with 3.85 million [2].",
        "It has 3.87 million people [1], or 3.85 million [2].",
        "The census found 3.87 million people [1], not 4.4 million.",
        "It shrank by 7% [3].",
        "It has 3.87 million people or 3.85 million [1, 2].",
    ],
)
def test_figures_that_stand_in_what_is_cited_are_cited_well(answer: str) -> None:
    assert seen(WELL, answer, completion(told=TOLD)) is None
    no = "the results that it cites bear each figure out"
    assert seen(AMISS, answer, completion(told=TOLD)) == no


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        ("It has 3.85 million people [1].", "3.85 million"),
        ("It has 3.87 million people [1]. It shrank by 7%.", "7%"),
        ("It shrank by 7% [4].", "7%"),
    ],
)
def test_a_figure_of_another_result_is_cited_amiss(answer: str, figure: str) -> None:
    assert seen(AMISS, answer, completion(told=TOLD)) is None
    why_not = str(seen(WELL, answer, completion(told=TOLD)))
    assert why_not.startswith(f"held against what is cited there, {figure}")


@pytest.mark.parametrize("footnote", ["\n[9] a footnote:", ", see [2] ,"])
def test_a_number_in_brackets_on_a_page_begins_no_result(footnote: str) -> None:
    told = (f"[1] Census (a)\n3.87 million people{footnote} 2 million people",)
    assert (
        seen(WELL, "Of 3.87 million people 2 million live in towns [1].", completion(told=told))
        is None
    )
    assert seen(AMISS, "2 million people live in towns [2].", completion(told=told)) is None


@pytest.mark.parametrize("expectation", [AMISS, WELL])
def test_an_answer_without_citations_is_cited_neither_well_nor_amiss(
    expectation: Expectation,
) -> None:
    no = "no figure has a citation beside it: It has 3.87 million people."
    assert seen(expectation, "It has 3.87 million people.", completion(told=TOLD)) == no


@pytest.mark.parametrize("arguments", ['{"query": ""a" b"}', '["a"]', '{"query": "a', ""])
def test_arguments_that_are_no_object_are_swallowed_where_the_call_ends_ok(arguments: str) -> None:
    asks, read = completion(None, arguments), {"arguments": arguments}
    assert seen(SWALLOWS, "", asks, call(read)) is None
    no = "1 such call, and none of them ends OK"
    assert seen(SWALLOWS, "", asks, call(read, "ERROR")) == no


def test_odd_arguments_that_are_an_object_are_not_swallowed() -> None:
    odd = '{ "query" : "\\"a\\" \\u00e9" }'
    no = "of 1 call of look_up each can be read"
    assert seen(SWALLOWS, "", completion(None, odd), call({"query": '"a" é'})) == no


def test_a_call_about_another_country_than_the_reply_names_is_seen() -> None:
    assert seen(OTHER, "", *asked("I ask about Croatia (HRV).", "HUN")) is None
    no = "finder says HRV and asks HUN"
    assert seen(SAME, "", *asked("I ask about Croatia (HRV).", "HUN")) == no


def test_a_call_about_one_of_two_countries_that_the_reply_names_is_as_it_says() -> None:
    both = completion("I ask about HRV and HUN.", about("HRV"), about("HUN"))
    calls = (call({"country": "HRV"}), call({"country": "HUN"}))
    assert seen(SAME, "", both, *calls) is None
    no = "finder says HRV, HUN and asks HRV; says HRV, HUN and asks HUN"
    assert seen(OTHER, "", both, *calls) == no


def test_other_words_of_three_capitals_are_no_countries() -> None:
    assert seen(OTHER, "", *asked("I ask for the GDP.", "HRV"), task="GDP of HRV?") is not None


def test_a_call_that_was_not_made_asked_nothing() -> None:
    held = asked("I ask about HRV.", "HUN", "ERROR")
    assert seen(OTHER, "", *held) == seen(SAME, "", *held) == "finder makes no such call"
    assert seen(SAME, "", *held, *asked("I do mean HUN.", "HUN")) is None


def test_a_reply_that_names_no_country_contradicts_no_call() -> None:
    names_none = asked("I ask for its GDP.", "HUN")
    assert seen(OTHER, "", *names_none) == "finder says none and asks HUN"
    assert seen(SAME, "", *names_none) == "finder says none and asks HUN"


@pytest.mark.parametrize("expectation", [CLAIMS, AMISS, WELL])
def test_an_agent_that_was_never_at_work_is_missed(expectation: Expectation) -> None:
    no = expectation.explain_failure(Trace((Span("research", "CHAIN"),)))
    assert no is not None
    assert "agents: none" in no
