"""Expectations about prompts: each can hold and fail, and explains its failure."""

from typing import Any

from instrumentation.trace import Span, Trace
from scenarios.expectations import (
    Expectation,
    every_prompt_contains,
    hands_off_figures,
    loses_figures,
    no_prompt_contains,
    receives_http_reply,
)


def completion(prompt: str) -> Span:
    return Span("call", "LLM", inputs={"messages": [{"role": "user", "content": prompt}]})


def turn(agent: str, output: str, *inside: Span) -> Span:
    attributes = {"gen_ai.agent.name": agent}
    return Span(agent, "AGENT", outputs={"output": output}, attributes=attributes, children=inside)


def lookup(reply: Any) -> Span:
    return Span("look_up", "TOOL", outputs="4.9", attributes={"flight_recorder.http.reply": reply})


def failure_of(expectation: Expectation, *turns: Span) -> str | None:
    return expectation.explain_failure(Trace((Span("briefing", "CHAIN", children=turns),)))


HANDS = hands_off_figures("finder", "writer")
LOSES = loses_figures("finder", "writer")
FOUND = turn("finder", "Prices rose by 4.9%, output by 2.8%.")


def test_figures_in_other_words_are_handed_off() -> None:
    writes = turn("writer", "", completion("inflation 4.9%, growth 2.8%"))
    assert failure_of(HANDS, FOUND, writes) is None
    assert failure_of(LOSES, FOUND, writes) == "100% of the figures arrived"


def test_a_prompt_without_the_figures_loses_them() -> None:
    writes = turn("writer", "", completion("write of 2023"), completion("4.9%, 2.8%, says a tool"))
    assert failure_of(HANDS, FOUND, writes) == "only 0% of the figures arrived"
    assert failure_of(LOSES, FOUND, writes) is None


def test_figures_are_searched_in_the_turn_after_they_were_stated() -> None:
    early, late = (
        turn("writer", "", completion("write")),
        turn("writer", "", completion("4.9%, 2.8%")),
    )
    assert failure_of(HANDS, early, FOUND, late) is None
    assert failure_of(LOSES, early, FOUND, late) == "100% of the figures arrived"
    assert failure_of(LOSES, early, FOUND) == "finder had stated no figure"


def test_without_figures_none_are_lost() -> None:
    writes = turn("writer", "", completion("write"))
    for expectation in (HANDS, LOSES):
        no = failure_of(expectation, turn("finder", "no data"), writes)
        assert no == "finder had stated no figure"
        assert failure_of(expectation, FOUND) == "writer made no completion; agents at work: finder"


def test_every_prompt_must_contain_the_pattern() -> None:
    once = turn("writer", "", completion("no advice"), completion("write"))
    assert (
        failure_of(every_prompt_contains("writer", "no advice"), once)
        == "1 of its 2 prompts lack it"
    )
    assert (
        failure_of(no_prompt_contains("writer", "no advice"), once)
        == "a prompt contains 'no advice'"
    )
    assert (
        failure_of(
            every_prompt_contains("writer", "no advice"),
            turn("writer", "", completion("no advice")),
        )
        is None
    )
    assert (
        failure_of(
            no_prompt_contains("writer", "no advice"), turn("writer", "", completion("write"))
        )
        is None
    )


def test_a_coworkers_prompt_is_not_its_managers() -> None:
    delegated = Span("delegate", "TOOL", children=(turn("writer", "", completion("no advice")),))
    manages = turn("manager", "", completion("lead"), delegated)
    assert failure_of(no_prompt_contains("manager", "no advice"), manages) is None
    assert failure_of(every_prompt_contains("writer", "no advice"), manages) is None


def test_the_raw_http_reply_is_matched() -> None:
    expectation = receives_http_reply("finder", "look_up", '"OBS_VALUE": 4')
    assert failure_of(expectation, turn("finder", "", lookup([{"OBS_VALUE": 4.9}]))) is None
    other = failure_of(expectation, turn("finder", "", lookup([{"value": 4.9}])))
    assert other == 'a reply is [{"value": 4.9}]'
    assert failure_of(expectation, turn("finder", "")) == "it made no call; finder called no tool"
    assert (
        failure_of(expectation, turn("finder", "", Span("look_up", "TOOL"))) == "a reply is empty"
    )
