"""Suspicion ranks the steps of a failed run by general evidence, and finds nothing by itself."""

from typing import Any

import pytest

from instrumentation.diagnosis import diagnose
from instrumentation.diagnosis.suspicion import Suspect, rank_suspects
from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.conversations import build_trace, read_conversations, step_number_of
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names

TASK = "Which harbour of the northern islands has the longest pier that ferries use in winter?"
PLAN = f"{TASK} We look at the harbour list of the northern islands and compare every pier."
STEPS = (
    ("Lead", PLAN),
    ("Reader", "I read the list of piers on the islands and keep the ones in use."),
    ("Editor", "I keep the list in the order in which the islands lie from west to east."),
    ("Reader", "I go through the list again and look at the piers one after the other."),
    ("Editor", "The list is in good order, and we use it as it is."),
)
CODE = "```python\nprint(max(piers))\n```"
CLEAN_RUN = "exitcode: 0 (execution succeeded)\nCode output: 3"
CRASH = "exitcode: 1 (execution failed)\nNameError: piers"


def trace_of(*steps: tuple[str, str], task: str = TASK) -> Trace:
    history = [{"name": name, "role": "assistant", "content": text} for name, text in steps]
    (conversation,) = read_conversations([{"question": task, "history": history}])
    return build_trace(conversation)


def changed(number: int, text: str, *, keep: bool = True) -> list[tuple[str, str]]:
    """The steps, with a text added to one of them, or in its place."""
    steps = list(STEPS)
    name, before = steps[number]
    steps[number] = (name, f"{before} {text}" if keep else text)
    return steps


def first(trace: Trace) -> tuple[str | None, int | None]:
    suspect = rank_suspects(trace)[0]
    return suspect.agent, step_number_of(suspect.origin)


def shows(suspect: Suspect) -> set[str]:
    return {one.shows for one in suspect.evidence}


@pytest.mark.parametrize(
    ("steps", "agent", "number", "evidence"),
    [
        (changed(3, CODE), "Reader", 3, "it decides by code"),
        (changed(2, "We assume a length of each."), "Editor", 2, "data that it assumes"),
        (
            changed(2, "Thus the list is in order."),
            "Editor",
            2,
            "it concludes without a result of a tool",
        ),
        (
            changed(3, "However, it appears that two piers are missing."),
            "Editor",
            2,
            "the next step speaks of a problem",
        ),
        (
            [*changed(2, "Port Ellen is long.")[:4], ("Editor", "The longest is Port Ellen.")],
            "Editor",
            2,
            "the answer has this, which nothing before it states",
        ),
    ],
    ids=["code", "assumption", "conclusion", "problem", "first statement of the answer"],
)
def test_evidence_makes_its_step_the_first_suspect(
    steps: list[tuple[str, str]], agent: str, number: int, evidence: str
) -> None:
    trace = trace_of(*steps)
    assert first(trace) == (agent, number)
    assert any(evidence in one for one in shows(rank_suspects(trace)[0]))


def test_without_evidence_the_earliest_step_after_the_opening_is_first() -> None:
    suspects = rank(list(STEPS))
    assert [step_number_of(one.origin) for one in suspects][:2] == [1, 2]
    assert suspects[0].score > suspects[1].score


def test_a_plan_for_another_task_is_suspicious_and_a_plan_for_this_one_is_not() -> None:
    other = (
        "Debug the program. Read its error message, find the broken line, correct the loop, and"
        " then run all unit checks once more to make sure that nothing else is wrong."
    )
    trace = trace_of(*changed(0, f"{TASK} {other}", keep=False))
    assert first(trace) == ("Lead", 0)
    assert "shares no words" in next(iter(shows(rank_suspects(trace)[0])))
    assert first(trace_of(*STEPS)) != ("Lead", 0)


def test_a_value_that_a_tool_returned_is_not_suspicious() -> None:
    called = [
        *changed(1, CODE)[:2],
        ("Terminal", "exitcode: 0 (execution succeeded)\nCode output: Port Ellen"),
        ("Editor", "It is Port Ellen, says the list."),
    ]
    assert all("nothing before it states" not in "".join(shows(one)) for one in rank(called))
    invented = [one if one[0] != "Terminal" else ("Terminal", CLEAN_RUN) for one in called]
    assert any("nothing before it states" in "".join(shows(one)) for one in rank(invented))


def rank(steps: list[tuple[str, str]]) -> tuple[Suspect, ...]:
    return rank_suspects(trace_of(*steps))


def test_the_repair_of_a_failure_is_less_suspicious_than_the_failure() -> None:
    steps = [
        STEPS[0],
        ("Reader", f"I compute it. {CODE}"),
        ("Terminal", CRASH),
        ("Reader", f"I name the list first. {CODE}"),
        ("Terminal", CLEAN_RUN),
    ]
    scores = {step_number_of(one.origin): one.score for one in rank(steps)}
    calm = [one if one[1] != CRASH else ("Terminal", CLEAN_RUN) for one in steps]
    calm_scores = {step_number_of(one.origin): one.score for one in rank(calm)}
    assert scores[3] == calm_scores[3] - 0.5


def test_work_that_was_handed_over_is_more_suspicious_than_the_word_that_hands_it_over() -> None:
    history: list[dict[str, Any]] = [
        {"role": "Lead (thought)", "content": PLAN},
        {"role": "Lead (-> Reader)", "content": "Look up the length of each pier of the islands."},
        {"role": "Reader", "content": "The page has a picture of each harbour and of its ferries."},
        {"role": "Lead (thought)", "content": "Done."},
    ]
    (conversation,) = read_conversations([{"question": TASK, "history": history}])
    suspects = rank_suspects(build_trace(conversation))
    assert (suspects[0].agent, step_number_of(suspects[0].origin)) == ("Reader", 2)
    assert step_number_of(suspects[-1].origin) == 3  # a word does no work


def test_a_suspect_is_no_finding() -> None:
    trace = trace_of(*changed(2, "We assume a length of each."))
    assert rank_suspects(trace)[0].evidence
    assert diagnose(trace).findings == ()


@pytest.mark.parametrize("name", [one for one in scenario_names() if load_scenario(one).broken])
def test_the_steps_of_every_recorded_run_can_be_ranked(name: str) -> None:
    trace = load_trace(scenario_folder(name).recorded_trace("broken"))
    suspects = rank_suspects(trace)
    scores = [one.score for one in suspects]
    assert scores == sorted(scores, reverse=True)
    assert {one.agent for one in suspects} <= {*trace.agents, None}
