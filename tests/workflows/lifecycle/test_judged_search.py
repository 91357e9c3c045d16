"""The judged search agent: what a judge's reply does to the run."""

from typing import Any

import pytest

from tests.support.search_runs import (
    ANSWER,
    FRANCE,
    WEB,
    SearchRun,
    answer_line,
    run_search,
    tool_call_line,
    web_results_line,
)
from tests.support.tapes import reply_line
from workflows.lifecycle.judged_search import JudgedSearchAgent
from workflows.support.clients.openai import InvalidReplyError

SEARCH = (tool_call_line(WEB), web_results_line(FRANCE))


async def run_judged(store: str, *lines: dict[str, Any]) -> SearchRun:
    return await run_search(store, *SEARCH, *lines, agent=JudgedSearchAgent)


def verdict_line(passes: bool, rationale: str) -> dict[str, Any]:
    return reply_line("judge", content={"passes": passes, "rationale": rationale})


async def test_the_rationale_of_a_failed_answer_is_the_objection(store: str) -> None:
    run = await run_judged(
        store,
        answer_line("It is large."),
        verdict_line(False, "Say how large."),
        answer_line(ANSWER),
        verdict_line(True, "It says so."),
    )
    assert run.answer.text == ANSWER
    assert run.trace.spans_of_type("LLM")[3].inputs["messages"][-1]["content"] == "Say how large."
    assert run.fidelity.is_complete


async def test_an_answer_that_never_passes_is_reported_as_unsupported(store: str) -> None:
    fails = (answer_line("It is large."), verdict_line(False, "Say how large."))
    run = await run_judged(store, *fails, *fails, *fails)
    assert (run.answer.outcome, run.answer.objection) == ("unsupported", "Say how large.")


@pytest.mark.parametrize("reply", ["It passes.", '{"passes": true}', '["passes"]'])
async def test_a_reply_without_a_verdict_ends_the_run(store: str, reply: str) -> None:
    run = await run_judged(store, answer_line(ANSWER), reply_line("judge", content=reply))
    assert isinstance(run.outcome, InvalidReplyError)
    assert "passes" in str(run.outcome)
