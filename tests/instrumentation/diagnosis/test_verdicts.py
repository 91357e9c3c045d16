"""Which texts a diagnosis takes for the verdict of a reviewer, and which only have its words."""

import pytest

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from tests.instrumentation.diagnosis.test_diagnosis import WELLS, handoff, measured, run, turn

STORY = "Two wells were dug in the valley, and both still have water."
FACTS = [
    "Guidance may be revised in Q3.",
    "The company does not approve loans below one million.",
    "Revised figures are due in March; the filing was not rejected.",
    "Approved drugs carry the sales, and two failed trials weigh on them.",
    "The regulator rejected the merger. It was blocked by a court, too.",
    "The forecast was cut. It is revised each quarter.",
    "Rejected: 4 of 12 applications. Passed: 8.",
    "We reject the null hypothesis at the level of five percent.",
    "It is invalid to compare the two, and the figure is wrong in one of ten cases.",
    "Wrong-way risk rose, and the plan should be rejected by no party.",
    "Prices changed, and the plan must not fail. The board passed it.",
    '{"title": "Revised outlook", "summary": "Two of the banks failed."}',
    '{"score": 2, "notes": "Prices fell."}',
]
OBJECTIONS = [
    "I cannot APPROVE this.",
    "I cannot approve this: no source is named.",
    "Not approved. No source is named.",
    "Revise the second sentence.",
    "Verdict: rejected",
    "This is wrong: no well is so shallow.",
    "The draft must be revised; it names no source.",
    "Please rewrite this with sources.",
    "You must revise the second sentence.",
    "This cannot be approved yet.",
    "No. The figure for 2023 is wrong.",
    "I reject the draft: no source is named.",
    '{"decision": "reject", "notes": "No source is named."}',
    '{"approved": false, "notes": "No source is named."}',
    '{"rejected": true}',
    '```json\n{"verdict": "changes requested"}\n```',
    '{"answer": "revise"}',
    '{"score": 2, "pass_mark": 7}',
]
APPROVALS = [
    "APPROVE",
    "Approved. A later guidance may be revised.",
    "I approve this, although two trials failed.",
    '{"decision": "approve", "notes": "The rejected draft was wrong."}',
    '{"approved": true, "notes": "reject"}',
    '{"score": 8, "threshold": 7}',
]


def _review(text: str) -> Trace:
    """A run in which an editor goes on after a second agent has read a surveyor's text."""
    return run(
        "Write on the wells.",
        STORY,
        turn("surveyor", "Measure the wells.", WELLS, measured(31.5), measured(44)),
        handoff("surveyor", "second", WELLS, 1.0),
        turn("second", f"Read this. {WELLS}", text),
        handoff("surveyor", "editor", WELLS, 1.0),
        handoff("second", "editor", text, 1.0),
        turn("editor", f"Write. {WELLS} {text}", STORY),
    )


@pytest.mark.parametrize("text", FACTS)
def test_a_text_that_has_words_of_a_verdict_states_facts(text: str) -> None:
    assert diagnose(_review(text)).findings == ()


@pytest.mark.parametrize("text", APPROVALS)
def test_after_an_approval_the_work_may_go_on(text: str) -> None:
    assert diagnose(_review(text)).findings == ()


@pytest.mark.parametrize("text", OBJECTIONS)
def test_an_objection_after_which_the_work_goes_on_is_found(text: str) -> None:
    (finding,) = diagnose(_review(text)).findings
    assert (finding.mode, finding.agent) == ("premature termination", "second")
