"""What an agent is told: each expectation can hold, each can fail, and says what was seen."""

from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.prompts import (
    every_prompt_contains,
    hands_off_figures,
    loses_figures,
    no_prompt_contains,
)
from scenarios.expectations.tools import receives_http_reply


def asked(prompt: str) -> Span:
    return Span("call", "LLM", inputs={"messages": [{"role": "user", "content": prompt}]})


def turn(agent: str, output: str, *inside: Span) -> Span:
    named = {"gen_ai.agent.name": agent}
    return Span(agent, "AGENT", outputs={"output": output}, attributes=named, children=inside)


def sent(reply: Any) -> Span:
    return Span("look_up", "TOOL", outputs="4.9", attributes={"flight_recorder.http.reply": reply})


def why_not(expectation: Expectation, *turns: Span) -> str | None:
    return expectation.explain_failure(Trace((Span("briefing", "CHAIN", children=turns),)))


HANDS = hands_off_figures("finder", "writer")
LOSES = loses_figures("finder", "writer")
FOUND = turn("finder", "Prices rose by 4.9%, output by 2.8%.")


def test_figures_in_other_words_have_been_handed_over() -> None:
    writes = turn("writer", "", asked("inflation 4.9%, growth 2.8%"))
    assert why_not(HANDS, FOUND, writes) is None
    assert why_not(LOSES, FOUND, writes) == "100% of its figures arrived"


def test_a_prompt_without_the_figures_has_lost_them() -> None:
    writes = turn("writer", "", asked("write of 2023"), asked("4.9%, 2.8%, says a tool"))
    assert why_not(HANDS, FOUND, writes) == "0% of its figures arrived"
    assert why_not(LOSES, FOUND, writes) is None


def test_figures_are_looked_for_in_the_turn_that_came_after_they_were_stated() -> None:
    early, late = turn("writer", "", asked("write")), turn("writer", "", asked("4.9%, 2.8%"))
    assert why_not(HANDS, early, FOUND, late) is None
    assert why_not(LOSES, early, FOUND, late) == "100% of its figures arrived"
    assert why_not(LOSES, early, FOUND) == "finder had stated no figure"


def test_of_no_figure_none_is_lost() -> None:
    writes = turn("writer", "", asked("write"))
    for expectation in (HANDS, LOSES):
        no = why_not(expectation, turn("finder", "no data"), writes)
        assert no == "finder had stated no figure"
        assert why_not(expectation, FOUND) == "writer made no completion; agents: finder"


def test_a_rule_is_told_if_every_prompt_has_it() -> None:
    once = turn("writer", "", asked("no advice"), asked("write"))
    assert (
        why_not(every_prompt_contains("writer", "no advice"), once) == "1 of its 2 prompts lack it"
    )
    assert (
        why_not(no_prompt_contains("writer", "no advice"), once)
        == "a prompt of its has 'no advice'"
    )
    assert (
        why_not(
            every_prompt_contains("writer", "no advice"), turn("writer", "", asked("no advice"))
        )
        is None
    )
    assert (
        why_not(no_prompt_contains("writer", "no advice"), turn("writer", "", asked("write")))
        is None
    )


def test_what_a_coworker_is_told_its_manager_is_not() -> None:
    delegated = Span("delegate", "TOOL", children=(turn("writer", "", asked("no advice")),))
    manages = turn("manager", "", asked("lead"), delegated)
    assert why_not(no_prompt_contains("manager", "no advice"), manages) is None
    assert why_not(every_prompt_contains("writer", "no advice"), manages) is None


def test_a_reply_is_judged_as_it_came() -> None:
    expectation = receives_http_reply("finder", "look_up", '"OBS_VALUE": 4')
    assert why_not(expectation, turn("finder", "", sent([{"OBS_VALUE": 4.9}]))) is None
    other = why_not(expectation, turn("finder", "", sent([{"value": 4.9}])))
    assert other == 'it was sent [{"value": 4.9}]'
    assert why_not(expectation, turn("finder", "")) == "no call; finder called nothing"
    assert (
        why_not(expectation, turn("finder", "", Span("look_up", "TOOL"))) == "it was sent nothing"
    )
