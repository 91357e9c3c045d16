"""Failures that no scenario plays, each beside a healthy run that looks like it."""

from typing import Any

import pytest

from instrumentation.diagnosis import Detector, diagnose
from instrumentation.diagnosis.handoffs.dropped_criterion import find_dropped_criteria
from instrumentation.diagnosis.handoffs.forgotten_prohibition import (
    find_prohibitions_lost_within_turn,
)
from instrumentation.diagnosis.task.choice_among_matches import (
    find_actions_on_one_of_several_matches,
)
from instrumentation.diagnosis.task.unrequested_action import find_unrequested_actions
from instrumentation.diagnosis.values.rate_as_total import find_rates_as_totals
from instrumentation.diagnosis.values.value_of_other_record import find_values_of_other_records
from instrumentation.diagnosis.verdicts.unverified_claim import find_partial_checks
from instrumentation.trace import Span, Trace
from tests.instrumentation.diagnosis.test_diagnosis import handoff, run, turn


def completion(
    messages: list[dict[str, Any]], output: str, *requests: tuple[str, dict[str, Any]]
) -> Span:
    """A completion of these messages, with the tool calls that it requests."""
    calls = [{"function": {"name": name, "arguments": given}} for name, given in requests]
    answer = {"role": "assistant", "content": output, "tool_calls": calls}
    choice = {"finish_reason": "stop", "message": answer}
    inputs = {"messages": messages, "tools": []}
    return Span("chat_completion", "LLM", inputs=inputs, outputs={"choices": [choice]})


def call(name: str, outputs: Any, **inputs: Any) -> Span:
    return Span(name, "TOOL", inputs=inputs, outputs=outputs)


def loop(agent: str, request: str, *steps: Span, answer: str) -> Trace:
    """A run of one agent: its completions and calls, in order."""
    spans = Span(agent, "AGENT", inputs=request, outputs=answer, children=steps)
    return run(request, answer, spans)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def result(text: str) -> dict[str, Any]:
    return {"role": "tool", "content": text}


def wells(text: str) -> Trace:
    """Two wells are measured, and a text states their depths."""
    depths = {"Alder": 31, "Birch": 44}
    calls = [
        call("measure", {"well": name, "depth_m": depth}, well=name)
        for name, depth in depths.items()
    ]
    return run("How deep are they?", text, turn("surveyor", "Measure.", text, *calls))


def quarry(text: str) -> Trace:
    """The price of a tonne of stone is looked up, and a text states it."""
    found = call("price", {"stone": "slate", "price": 48, "per": "tonne"}, stone="slate")
    return run("What does slate cost?", text, turn("buyer", "Ask.", text, found))


def survey(text: str, *read: str) -> Trace:
    """Some of four sites are read, and a text says of how many it speaks."""
    calls = [call("read_site", {"state": "dry"}, site=site) for site in read]
    prompt = "Read the sites S-11, S-12, S-13 and S-14."
    return run(prompt, text, turn("surveyor", prompt, text, *calls))


def search(task: str, output: str) -> Trace:
    """A manager delegates a search for boats, whose records say whether they have a sail."""
    boats = [{"boat": "Alma", "has_sail": True}, {"boat": "Bea", "has_sail": False}]
    inner = turn("finder", task, output, call("list_boats", boats, place="Ems"))
    delegated = Span(
        "delegate",
        "TOOL",
        outputs=output,
        children=(handoff("manager", "finder", task, 1.0), inner),
    )
    request = "Find boats on the Ems, which must have a sail."
    steps = (completion([user(request)], "", ("delegate", {"task": task})), delegated)
    return loop("manager", request, *steps, answer=output)


def deletion(request: str, condition: str) -> Trace:
    """An agent deletes files that meet a condition."""
    step = completion([user(request)], "", ("delete_files", {"where": condition}))
    return loop(
        "keeper",
        request,
        step,
        call("delete_files", {"deleted": 3}, where=condition),
        answer="They are deleted.",
    )


def cancellation(request: str, text: str) -> Trace:
    """An agent cancels the first of two bookings that a search has found."""
    found = [{"booking": "B-1", "room": "north"}, {"booking": "B-2", "room": "south"}]
    steps = (
        completion([user(request)], "", ("find", {"what": "booking"})),
        call("find", found, what="booking"),
        completion([user(request), result(str(found))], text, ("cancel", {"booking": "B-1"})),
        call("cancel", {"state": "cancelled"}, booking="B-1"),
    )
    return loop("host", request, *steps, answer="It is cancelled.")


def rule(*later: dict[str, Any], answer: str) -> Trace:
    """An agent reads a rule, and its next prompt has only these messages."""
    text = "Never open the sluice without the consent of the warden."
    steps = (
        completion([user("Lower the water."), result(text)], ""),
        completion([user("Lower the water."), *later], answer),
    )
    return loop("keeper", "Lower the water.", *steps, answer=answer)


def checked(output: str, *calls: Span) -> Trace:
    """An agent with a tool says something of a bridge."""
    return run("Is it safe?", output, turn("engineer", "Look.", output, *calls, tools=("load",)))


UNPLAYED: dict[Detector, Trace] = {
    find_values_of_other_records: wells(
        "The Alder has a depth of 44 m. The Birch has a depth of 31 m."
    ),
    find_rates_as_totals: quarry("Slate is 48 EUR in all."),
    find_partial_checks: survey("All four sites were examined: dry.", "S-11", "S-12"),
    find_dropped_criteria: search("List the boats on the Ems.", "Alma and Bea."),
    find_unrequested_actions: deletion("Delete the old drafts.", "size > 100"),
    find_actions_on_one_of_several_matches: cancellation("Cancel my booking.", ""),
    find_prohibitions_lost_within_turn: rule(answer="I open the sluice; the warden is away."),
}
HEALTHY = {
    "each has its own value": wells(
        "The Alder has a depth of 31 m. The Birch has a depth of 44 m."
    ),
    "a comparison of two": wells("The Alder has a depth of 31 m, the Birch one of 44 m."),
    "a correction": wells("The Alder has a depth of 31 m, not of 44."),
    "the rate stays one": quarry("Slate is 48 EUR per tonne."),
    "a multiple": quarry("Two tonnes of slate at 48 EUR each are 96 EUR in all."),
    "a whole check": survey("All four sites were examined: dry.", "S-11", "S-12", "S-13", "S-14"),
    "a check that names the rest": survey("All were examined but S-13 and S-14.", "S-11", "S-12"),
    "the criterion is passed on": search("List boats that have a sail.", "Alma."),
    "the answer has the criterion": search("List the boats.", "Only Alma has a sail."),
    "a requested deletion": deletion("Delete all files whose size is above 100.", "size > 100"),
    "the request tells which": cancellation("Cancel my booking of the room north.", ""),
    "any will do": cancellation("Cancel a booking.", ""),
    "the agent tells which": cancellation("Cancel my booking.", "I take B-1, not B-2."),
    "the rule is dropped and kept": rule(answer="I do not open the sluice: no consent yet."),
    "a claim after a call": checked("I have checked the bridge.", call("load", {"tonnes": 9})),
    "a claim of somebody else": checked("The owner says that he has checked the bridge."),
}


@pytest.mark.parametrize("detector", UNPLAYED, ids=lambda detector: detector.__name__)
def test_a_failure_is_found_once(detector: Detector) -> None:
    found = diagnose(UNPLAYED[detector], [detector]).findings
    assert diagnose(UNPLAYED[detector]).findings == found
    assert len(found) == 1


def test_a_check_that_an_agent_claims_in_words_and_did_not_make_is_found() -> None:
    claimed = checked("I have checked the bridge, and it is safe to use.")
    (finding,) = diagnose(claimed).findings
    assert (finding.mode, finding.agent) == ("no or incomplete verification", "engineer")


@pytest.mark.parametrize("name", HEALTHY)
def test_a_look_alike_is_not_accused(name: str) -> None:
    assert diagnose(HEALTHY[name]).findings == ()


def test_branches_that_are_joined_later_need_not_know_of_each_other() -> None:
    north, south = "The north is dry today.", "The south is wet today."
    trace = run(
        "How are they?",
        f"{north} {south}",
        turn("a", "Look north.", north),
        handoff("a", "b", north, 0.0),
        turn("b", "Look south.", south),
        handoff("a", "c", north, 1.0),
        handoff("b", "c", south, 1.0),
        turn("c", f"Join. {north} {south}", f"{north} {south}"),
    )
    assert diagnose(trace).findings == ()


def test_a_requirement_is_for_all_branches() -> None:
    need, south = "All paths must be dry and lit at night.", "The south path is fine."
    trace = run(
        "Find a path.",
        south,
        turn("a", "What is needed?", need),
        handoff("a", "b", need, 0.0),
        turn("b", "Look south.", south),
        handoff("a", "c", need, 1.0),
        handoff("b", "c", south, 1.0),
        turn("c", f"Join. {need} {south}", south),
    )
    (finding,) = diagnose(trace).findings
    assert (finding.mode, finding.agent) == ("information withholding", "b")


@pytest.mark.parametrize(
    ("output", "count"),
    [("The log shows nothing unusual.", 1), ("Nothing could be read.", 0)],
    ids=["reassures", "admits"],
)
def test_a_reassurance_does_not_admit_that_a_call_failed(output: str, count: int) -> None:
    failed = call("read_log", "Error: connection refused", service="web")
    trace = run("How is it?", output, turn("watcher", "Look.", output, failed))
    assert len(diagnose(trace).findings) == count


def test_a_sum_of_products_of_results_is_not_invented() -> None:
    answer = "Two spades at 14 EUR are 28 EUR. Three pots at 6 EUR are 18 EUR. In all 46 EUR."
    prices = [call("price", {"price": price}, of=of) for of, price in (("spade", 14), ("pot", 6))]
    trace = run("What do they cost?", answer, turn("clerk", "Ask.", answer, *prices))
    assert diagnose(trace).findings == ()
    wrong = answer.replace("28", "29")
    trace = run("What do they cost?", wrong, turn("clerk", "Ask.", wrong, *prices))
    assert [finding.mode for finding in diagnose(trace).findings] == ["invented values"]


@pytest.mark.parametrize(("answer", "count"), [("It takes 2.3 seconds.", 0), ("2,300 seconds.", 1)])
def test_milliseconds_may_be_stated_in_seconds_but_not_renamed(answer: str, count: int) -> None:
    measured = call("latency", {"value": 2300, "unit": "ms"}, of="web")
    trace = run("How slow is it?", answer, turn("watcher", "Look.", answer, measured))
    assert len(diagnose(trace).findings) == count
