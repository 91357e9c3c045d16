"""Expectations about tool calls and figures: each can hold and fail, and explains its failure."""

from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from scenarios import expectations as expect
from scenarios.expectations import Expectation


def turn(agent: str, output: str, *inside: Span) -> Span:
    attributes = {"gen_ai.agent.name": agent}
    return Span(agent, "AGENT", outputs={"output": output}, attributes=attributes, children=inside)


def call(result: Any, status: str = "OK", message: str = "") -> Span:
    return Span("look_up", "TOOL", status, message, {"year": 2023}, result)


def completion(input_tokens: int) -> Span:
    usage = {"input_tokens": input_tokens, "output_tokens": 5}
    return Span("chat_completion", "LLM", attributes={"mlflow.chat.tokenUsage": usage})


def state(author: str, *, grounded: bool) -> Span:
    attributes = {
        "flight_recorder.state.author": author,
        "flight_recorder.state.grounded": grounded,
    }
    return Span("write note", "STATE", attributes=attributes)


def guardrail(passed: bool) -> Span:
    return Span("check", "GUARDRAIL", attributes={"flight_recorder.guardrail.passed": passed})


FAILED = call(None, "ERROR", "HTTP 503")
READ = Span("recall", "TOOL", outputs="4.9", children=(Span("read note", "STATE"),))
TRACE = Trace(
    (
        Span(
            "briefing",
            "CHAIN",
            attributes={"flight_recorder.routing.loop_detected": False},
            children=(
                turn(
                    "finder", "It was 4.9%.", call("4.87"), FAILED, state("finder", grounded=True)
                ),
                turn("writer", "It was 4.9%, up by 1.3 points.", READ),
                Span("figures", "TASK", children=(guardrail(False), guardrail(True))),
            ),
        ),
    )
)
LOOP = Trace(
    (
        Span(
            "briefing",
            "CHAIN",
            attributes={"flight_recorder.routing.loop_detected": True},
            children=(
                turn("finder", "", completion(10), call(1), completion(20), call(1), call(1)),
            ),
        ),
    )
)


@pytest.mark.parametrize(
    "expectation",
    [
        expect.calls_tool("finder", "look_up", times=2, returning="4.87|HTTP 503"),
        expect.never_calls_tool("writer", "look_up"),
        expect.tool_call_fails("finder", "look_up", times=1, message="503"),
        expect.never_loops(),
        expect.guardrail_rejects("figures", times=1),
        expect.has_root_attribute("flight_recorder.routing.loop_detected", False),
        expect.repeats_tool_figures("look_up", called_by="finder", stated_by=("finder", "writer")),
        expect.states_figures("writer", at_least=2),
        expect.writes_state("finder", grounded=True),
        expect.reads_state("writer", returning=r"\d\.9"),
    ],
    ids=lambda expectation: expectation.description,
)
def test_expectation_holds(expectation: Expectation) -> None:
    assert expectation.explain_failure(TRACE) is None


@pytest.mark.parametrize(
    ("expectation", "sentence"),
    [
        (
            expect.calls_tool("finder", "look_up", times=1),
            "it made 2 calls; finder called look_up, look_up",
        ),
        (
            expect.calls_tool("finder", "look_up", times=2, returning="4"),
            "a call returned HTTP 503",
        ),
        (expect.never_calls_tool("finder", "look_up"), "it made 2 calls"),
        (expect.never_calls_tool("editor", "look_up"), "editor took no turn"),
        (
            expect.tool_call_fails("finder", "look_up", times=1, message="429"),
            "0 such calls; its calls: OK, ERROR (HTTP 503)",
        ),
        (expect.loops_on_tool("finder", "look_up"), "no loop was detected"),
        (expect.guardrail_rejects("figures", times=2), "it rejected 1 of 2 results"),
        (expect.guardrail_rejects("analysis", times=2), "no task has this name; tasks: figures"),
        (
            expect.has_root_attribute("flight_recorder.routing.loop_detected", True),
            "its value is False",
        ),
        (
            expect.repeats_tool_figures("look_up", called_by="writer", stated_by=("finder",)),
            "look_up returned no figure to writer",
        ),
        (expect.states_figures("finder", at_most=0), "it states 4.9%"),
        (expect.invents_figure("writer", "look_up"), "writer never called look_up"),
        (expect.writes_state("finder", grounded=False), "0 of 1 write"),
        (expect.reads_state("finder", returning=""), "finder read nothing"),
        (expect.reads_state("writer", returning="5"), "a read returned 4.9"),
    ],
    ids=lambda value: value.description if isinstance(value, Expectation) else "",
)
def test_failed_expectation_explains_itself(expectation: Expectation, sentence: str) -> None:
    assert expectation.explain_failure(TRACE) == sentence


def test_a_figure_that_no_tool_returned_is_invented() -> None:
    expectation = expect.invents_figure("finder", "look_up")
    assert expectation.explain_failure(TRACE) == "a tool returned each of its figures: 4.9"
    invented = turn("finder", "It was 5.2%.", call("4.87"))
    assert expectation.explain_failure(Trace((invented,))) is None


def test_a_repeated_call_with_growing_prompts_is_a_loop() -> None:
    assert expect.loops_on_tool("finder", "look_up").explain_failure(LOOP) is None
    sentence = "flight_recorder.routing.loop_detected is True"
    assert expect.never_loops().explain_failure(LOOP) == sentence


def test_other_agents_do_not_take_part_in_an_overlap() -> None:
    together = {"gen_ai.agent.name": "a", "flight_recorder.turn.alongside": ["b"]}
    back = {"gen_ai.agent.name": "b", "flight_recorder.turn.alongside": ["a"]}
    turns = (Span("a", "AGENT", attributes=together), Span("b", "AGENT", attributes=back))
    trace = Trace((Span("team", "CHAIN", children=turns),))
    assert expect.works_concurrently("a", "b").explain_failure(trace) is None
    sentence = "a worked alongside b, without c"
    two_of_three = Trace((Span("team", "CHAIN", children=(*turns, turn("c", ""))),))
    assert expect.works_concurrently("a", "b", "c").explain_failure(two_of_three) == sentence
