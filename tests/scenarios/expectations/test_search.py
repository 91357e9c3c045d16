"""Expectations about a search agent: each can hold and fail, and explains its failure."""

import json
from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from scenarios.expectations import (
    Expectation,
    cites_supporting_sources,
    cites_unsupporting_sources,
    claims_figure_without_search,
    ignores_malformed_arguments,
    queries_another_country,
    queries_stated_country,
)

TASK = "How many people live in Croatia (HRV)? One says 4.4 million."
CLAIMS = claims_figure_without_search("finder")
UNSUPPORTED, SUPPORTED = cites_unsupporting_sources("finder"), cites_supporting_sources("finder")
IGNORES = ignores_malformed_arguments("finder", "look_up")
ANOTHER, STATED = (
    queries_another_country("finder", "look_up"),
    queries_stated_country("finder", "look_up"),
)


def failure_of(
    expectation: Expectation, answer: str, *inside: Span, task: str = TASK
) -> str | None:
    inputs, outputs = {"task": task}, {"answer": answer, "sources": []}
    turn = Span("finder", "AGENT", inputs=inputs, outputs=outputs, children=inside)
    return expectation.explain_failure(Trace((Span("research", "CHAIN", children=(turn,)),)))


def completion(text: str | None = None, *arguments: str, results: tuple[str, ...] = ()) -> Span:
    calls = [{"function": {"name": "look_up", "arguments": one}} for one in arguments]
    messages = [{"role": "tool", "content": content} for content in results]
    choices = [{"message": {"content": text, "tool_calls": calls or None}}]
    return Span(
        "chat_completion", "LLM", inputs={"messages": messages}, outputs={"choices": choices}
    )


def call(inputs: Any, status: str = "OK") -> Span:
    return Span("look_up", "TOOL", status, inputs=inputs, outputs={"results": []})


def query_for(country: str) -> str:
    return json.dumps({"query": "people", "country": country})


def reply_with_call(text: str, country: str, status: str = "OK") -> tuple[Span, Span]:
    return completion(text, query_for(country)), call(
        {"query": "people", "country": country}, status
    )


def test_a_figure_without_a_search_is_claimed() -> None:
    assert failure_of(CLAIMS, "It has 4.28 million people.", completion()) is None


def test_a_figure_of_the_task_is_not_claimed() -> None:
    sentence = "its task has each figure of its answer: It has 4.4 million people."
    assert failure_of(CLAIMS, "It has 4.4 million people.", completion()) == sentence


def test_a_figure_after_a_search_is_not_claimed_without_one() -> None:
    assert (
        failure_of(CLAIMS, "It has 4.28 million people.", call({"query": "x"}))
        == "finder made 1 search"
    )


def test_a_failed_search_does_not_count() -> None:
    assert failure_of(CLAIMS, "It has 4.28 million people.", call({"query": "x"}, "ERROR")) is None


RESULTS = (
    "[1] Census (a)\n3.87 million people\n[2] Estimate (b)\n3.85 million people",
    "[3] C\n7%",
)


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
def test_figures_in_the_cited_results_are_supported(answer: str) -> None:
    assert failure_of(SUPPORTED, answer, completion(results=RESULTS)) is None
    sentence = "the cited results support each figure"
    assert failure_of(UNSUPPORTED, answer, completion(results=RESULTS)) == sentence


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        ("It has 3.85 million people [1].", "3.85 million"),
        ("It has 3.87 million people [1]. It shrank by 7%.", "7%"),
        ("It shrank by 7% [4].", "7%"),
    ],
)
def test_a_figure_of_another_result_is_not_supported(answer: str, figure: str) -> None:
    assert failure_of(UNSUPPORTED, answer, completion(results=RESULTS)) is None
    sentence = str(failure_of(SUPPORTED, answer, completion(results=RESULTS)))
    assert sentence.startswith(f"the cited results do not support {figure}")


@pytest.mark.parametrize("footnote", ["\n[9] a footnote:", ", see [2] ,"])
def test_a_bracketed_number_on_a_page_starts_no_result(footnote: str) -> None:
    results = (f"[1] Census (a)\n3.87 million people{footnote} 2 million people",)
    assert (
        failure_of(
            SUPPORTED,
            "Of 3.87 million people 2 million live in towns [1].",
            completion(results=results),
        )
        is None
    )
    assert (
        failure_of(UNSUPPORTED, "2 million people live in towns [2].", completion(results=results))
        is None
    )


@pytest.mark.parametrize("expectation", [UNSUPPORTED, SUPPORTED])
def test_an_answer_without_citations_fails_both_expectations(
    expectation: Expectation,
) -> None:
    sentence = "no figure has a citation beside it: It has 3.87 million people."
    assert (
        failure_of(expectation, "It has 3.87 million people.", completion(results=RESULTS))
        == sentence
    )


@pytest.mark.parametrize("arguments", ['{"query": ""a" b"}', '["a"]', '{"query": "a', ""])
def test_malformed_arguments_are_ignored_if_the_call_ends_ok(arguments: str) -> None:
    reply, inputs = completion(None, arguments), {"arguments": arguments}
    assert failure_of(IGNORES, "", reply, call(inputs)) is None
    sentence = "1 such call, none with the status OK"
    assert failure_of(IGNORES, "", reply, call(inputs, "ERROR")) == sentence


def test_unusual_but_valid_arguments_are_not_malformed() -> None:
    odd = '{ "query" : "\\"a\\" \\u00e9" }'
    sentence = "the arguments of all 1 call of look_up are valid"
    assert failure_of(IGNORES, "", completion(None, odd), call({"query": '"a" é'})) == sentence


def test_a_call_for_another_country_than_the_reply_names_is_found() -> None:
    assert failure_of(ANOTHER, "", *reply_with_call("I ask about Croatia (HRV).", "HUN")) is None
    sentence = "finder names HRV and asks for HUN"
    assert failure_of(STATED, "", *reply_with_call("I ask about Croatia (HRV).", "HUN")) == sentence


def test_calls_for_two_stated_countries_are_as_stated() -> None:
    both = completion("I ask about HRV and HUN.", query_for("HRV"), query_for("HUN"))
    calls = (call({"country": "HRV"}), call({"country": "HUN"}))
    assert failure_of(STATED, "", both, *calls) is None
    sentence = "finder names HRV, HUN and asks for HRV; names HRV, HUN and asks for HUN"
    assert failure_of(ANOTHER, "", both, *calls) == sentence


def test_other_words_of_three_capitals_are_not_countries() -> None:
    assert (
        failure_of(ANOTHER, "", *reply_with_call("I ask for the GDP.", "HRV"), task="GDP of HRV?")
        is not None
    )


def test_a_failed_call_does_not_count() -> None:
    failed = reply_with_call("I ask about HRV.", "HUN", "ERROR")
    assert (
        failure_of(ANOTHER, "", *failed)
        == failure_of(STATED, "", *failed)
        == "finder makes no such call"
    )
    assert failure_of(STATED, "", *failed, *reply_with_call("I do mean HUN.", "HUN")) is None


def test_a_reply_without_a_country_contradicts_no_call() -> None:
    no_country = reply_with_call("I ask for its GDP.", "HUN")
    assert failure_of(ANOTHER, "", *no_country) == "finder names none and asks for HUN"
    assert failure_of(STATED, "", *no_country) == "finder names none and asks for HUN"


@pytest.mark.parametrize("expectation", [CLAIMS, UNSUPPORTED, SUPPORTED])
def test_an_agent_that_never_ran_is_reported(expectation: Expectation) -> None:
    sentence = expectation.explain_failure(Trace((Span("research", "CHAIN"),)))
    assert sentence is not None
    assert "agents at work: none" in sentence
