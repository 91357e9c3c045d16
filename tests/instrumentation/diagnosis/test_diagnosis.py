"""Diagnoses of small traces that no scenario plays: look-alikes, ranking, and what is missing."""

from dataclasses import replace
from typing import Any

import pytest

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Span, Trace

WELLS = "The north well is 31.5 m deep. The south well is 44 m deep."


def turn(agent: str, prompt: str, output: str, *calls: Span, tools: tuple[str, ...] = ()) -> Span:
    """A turn with its tool calls, and then one completion."""
    offered = [{"function": {"name": name}} for name in tools]
    messages = [{"role": "user", "content": prompt}]
    answer = {"finish_reason": "stop", "message": {"role": "assistant", "content": output}}
    completion = Span(
        "chat_completion",
        "LLM",
        inputs={"messages": messages, "tools": offered},
        outputs={"choices": [answer]},
    )
    return Span(
        agent,
        "AGENT",
        inputs={"prompt": prompt},
        outputs={"output": output},
        children=(*calls, completion),
    )


def handoff(sender: str, receiver: str, sent: str, score: float, **attributes: Any) -> Span:
    prefix = "flight_recorder.handoff."
    names = {"from_agent": sender, "to_agent": receiver, "efficiency_score": score}
    return Span(
        f"{sender} → {receiver}",
        "HANDOFF",
        inputs={"sent": sent},
        attributes={f"{prefix}{name}": value for name, value in names.items()} | attributes,
    )


def run(task: str, answer: str, *children: Span, status: str = "OK") -> Trace:
    root = Span(
        "run", "CHAIN", status, inputs={"task": task}, outputs={"answer": answer}, children=children
    )
    return Trace((root,))


def measured(value: float) -> Span:
    return Span("measure", "TOOL", inputs={"well": "north"}, outputs={"value": value, "unit": "m"})


def test_an_agent_of_a_chain_needs_only_what_the_agent_before_it_made() -> None:
    story = "Of two wells the one in the south is by far the deeper one."
    trace = run(
        "Write a headline on the wells.",
        "The south has the deeper well.",
        turn("surveyor", "Measure the wells.", WELLS, measured(31.5), measured(44)),
        handoff("surveyor", "writer", WELLS, 1.0),
        turn("writer", f"Write a story. {WELLS}", story),
        handoff("surveyor", "editor", WELLS, 0.0),
        handoff("writer", "editor", story, 1.0),
        turn("editor", f"Write a headline. {story}", "The south has the deeper well."),
    )
    assert diagnose(trace).findings == ()


def test_a_verdict_does_not_pass_on_what_was_reviewed() -> None:
    verdict = '{"decision": "approve"}'
    trace = run(
        "Write a headline on the wells.",
        "A text on wells was approved.",
        turn("surveyor", "Measure the wells.", WELLS, measured(31.5), measured(44)),
        handoff("surveyor", "reviewer", WELLS, 1.0),
        turn("reviewer", f"Review this. {WELLS}", verdict),
        handoff("surveyor", "editor", WELLS, 0.0),
        handoff("reviewer", "editor", verdict, 1.0),
        turn("editor", f"Write a headline. {verdict}", "A text on wells was approved."),
    )
    (finding,) = diagnose(trace).findings
    assert (finding.mode, finding.agent) == ("information withholding", "editor")
    assert finding.span == "surveyor → editor"


def test_a_figure_that_is_the_sum_of_results_is_not_invented() -> None:
    answer = "The wells are 31.5 m and 44 m deep, together 75.5 m."
    trace = run(
        "How deep are the wells together?",
        answer,
        turn("surveyor", "Measure.", answer, measured(31.5), measured(44), tools=("measure",)),
    )
    assert diagnose(trace).findings == ()


def test_a_figure_that_no_result_has_is_traced_to_the_completion_that_states_it_first() -> None:
    text = "The north well is 31.5 m deep. The south well is 58 m deep."
    trace = run(
        "How deep are the wells?",
        text,
        turn("surveyor", "Measure.", text, measured(31.5), tools=("measure",)),
        turn("editor", f"Correct this. {text}", text),
    )
    (finding,) = diagnose(trace).findings
    assert (finding.mode, finding.agent) == ("invented values", "surveyor")
    assert [step.span for step in finding.path] == ["chat_completion", "editor", "run"]
    assert "58 is in no tool result" in finding.evidence[0].shows


def test_a_model_without_tools_may_state_figures_from_memory() -> None:
    trace = run("Tell me of a well.", WELLS, turn("writer", "Tell me of a well.", WELLS))
    assert diagnose(trace).findings == ()


def test_the_cause_is_ranked_before_its_consequence() -> None:
    """The surveyor's tool loses the figure; later a reviewer objects, and nobody listens."""
    zero = "The north well is 0 m deep."
    reply = {"depth_m": 31.5}
    call = Span(
        "measure",
        "TOOL",
        inputs={"well": "north"},
        outputs={"value": 0, "unit": "m"},
        attributes={"flight_recorder.http.reply": reply},
    )
    objection = '{"decision": "reject", "notes": "No well is so shallow."}'
    trace = run(
        "How deep is the well?",
        zero,
        turn("surveyor", "Measure.", zero, call),
        handoff("surveyor", "reviewer", zero, 1.0),
        turn("reviewer", f"Review this. {zero}", objection),
        handoff("surveyor", "editor", zero, 1.0),
        handoff("reviewer", "editor", objection, 1.0),
        turn("editor", f"Sum up. {zero} {objection}", zero),
    )
    first, second = diagnose(trace).findings
    assert (first.mode, first.span) == ("schema drift", "measure")
    assert first.rank_reason == "the earliest wrong step"
    assert (second.mode, second.agent) == ("premature termination", "reviewer")
    assert second.rank_reason.startswith("later than finding 1")


def test_an_objection_that_leads_back_to_the_author_is_no_failure() -> None:
    objection = '{"decision": "reject", "notes": "Say where the wells are."}'
    better = f"In the valley there are two wells. {WELLS}"
    trace = run(
        "Describe the wells.",
        better,
        turn("writer", "Describe the wells.", WELLS),
        handoff("writer", "reviewer", WELLS, 1.0),
        turn("reviewer", f"Review this. {WELLS}", objection),
        handoff("reviewer", "writer", objection, 1.0),
        turn("writer", f"Describe the wells. {objection}", better),
    )
    assert diagnose(trace).findings == ()


def test_polling_that_brings_news_is_no_loop() -> None:
    states = [{"state": "running", "done": count} for count in (1, 2, 3)] + [{"state": "done"}]
    calls = [Span("poll", "TOOL", inputs={"job": 7}, outputs=state) for state in states]
    trace = run("Wait for job 7.", "Job 7 is done.", turn("waiter", "Wait.", "It is done.", *calls))
    assert diagnose(trace).findings == ()


def test_three_equal_calls_with_equal_results_are_a_loop() -> None:
    calls = [Span("find", "TOOL", inputs={"name": "Q"}, outputs="no such name") for _ in range(3)]
    trace = run("Find Q.", "There is no Q.", turn("clerk", "Find Q.", "There is no Q.", *calls))
    (finding,) = diagnose(trace).findings
    assert (finding.mode, finding.agent, finding.origin) == ("step repetition", "clerk", calls[2])


FAILED_CALL = Span("measure", "TOOL", "ERROR", "no signal", inputs={"well": "north"})
ERROR_TEXT = Span("measure", "TOOL", inputs={"well": "north"}, outputs="Error: no signal")


@pytest.mark.parametrize("call", [FAILED_CALL, ERROR_TEXT], ids=["by status", "by its result"])
def test_a_failed_call_that_no_later_text_mentions_is_a_swallowed_error(call: Span) -> None:
    answer = "The north well is in good order."
    trace = run("How is the well?", answer, turn("surveyor", "Measure.", answer, call))
    (finding,) = diagnose(trace).findings
    assert (finding.mode, finding.agent) == ("swallowed tool error", "surveyor")
    assert "no signal" in finding.evidence[0].quote


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        ("The north well could not be measured.", (FAILED_CALL,)),
        ("The north well is 31.5 m deep.", (FAILED_CALL, measured(31.5))),
    ],
    ids=["it is admitted", "another try succeeds"],
)
def test_a_failed_call_that_is_admitted_or_repeated_is_not_swallowed(
    answer: str, calls: tuple[Span, ...]
) -> None:
    trace = run("How deep is it?", answer, turn("surveyor", "Measure.", answer, *calls))
    assert diagnose(trace).findings == ()


def test_a_writer_without_tools_that_misquotes_a_result_invents_a_value() -> None:
    found, misquoted = "The north well is 31.5 m deep.", "The north well is 35.1 m deep."
    trace = run(
        "Describe the well.",
        misquoted,
        turn("surveyor", "Measure.", found, measured(31.5), tools=("measure",)),
        turn("writer", f"Describe the well. {found}", misquoted),
    )
    (finding,) = diagnose(trace).findings
    assert (finding.mode, finding.agent) == ("invented values", "writer")


def test_a_lone_completion_says_what_its_trace_lacks() -> None:
    lacks = diagnose(Trace((Span("chat", "LLM", outputs="Yes."),))).lacks
    assert "no span of an agent: which agent did what is unknown" in lacks
    assert "no prompts: what the models were given is unknown" in lacks


def executed(status: str, message: str, **attributes: Any) -> Span:
    """A span of code that an agent ran."""
    named = {f"flight_recorder.{key.replace('__', '.')}": one for key, one in attributes.items()}
    marks = {"flight_recorder.code.languages": ["python"], **named}
    return Span("execute_code", "TOOL", status, message, {"code": "…"}, "ok", marks)


@pytest.mark.parametrize(
    ("call", "modes"),
    [
        (executed("OK", "", code__files_written=["a.csv"]), []),
        (executed("OK", "", code__files_written=["../a.csv"]), ["unexpected code execution"]),
        (executed("OK", "", code__files_written=["/etc/a"]), ["unexpected code execution"]),
        (executed("ERROR", "cancelled"), ["unbounded consumption"]),
        (executed("ERROR", "cancelled", sandbox__limit__wall_s=9.0), ["silent stall"]),
    ],
    ids=["inside", "beside", "absolute", "no limit", "a limit that was not reached"],
)
def test_code_is_accused_of_what_it_wrote_outside_and_of_having_no_end(
    call: Span, modes: list[str]
) -> None:
    root = Span("run", "CHAIN", call.status, call.status_message, "Count.", "ok")
    turn = Span("coder", "AGENT", call.status, call.status_message, children=(call,))
    findings = diagnose(Trace((replace(root, children=(turn,)),))).findings
    assert [finding.mode for finding in findings] == modes
