"""The finance crew, run as a user's own program would run it, on scripted tapes."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from crewai import Agent

from instrumentation import (
    FigureCheck,
    StateEntry,
    check_figures,
)
from scenarios.replay.replay_server import replay_tape
from tests.support.finance_runs import (
    API_KEY,
    CHARTER,
    CHECK,
    EMPTY,
    LOOKUP,
    NO_DATA,
    NOTE,
    OUTAGE,
    RECALL,
    REPORT,
    TASK,
    UNVERIFIED,
    VERIFIED,
    TapedRun,
    ToleratesNineFailures,
    bank_line,
    call_line,
    page,
    run_that_repeats_lookups,
)
from tests.support.tapes import reply_line
from workflows.crew_finance import FinanceCrew
from workflows.model import Model, TruncatedAnswerError
from workflows.support.clients.crewai import list_tools, make_manager
from workflows.support.finance import Briefing, Evidence, Report


async def test_a_checked_report_is_verified() -> None:
    run = TapedRun()
    assert await run.briefing() == Briefing("verified", REPORT, claims_verified=True)
    assert run.unplayed_count == 0


async def test_each_task_is_given_the_charter_and_the_earlier_results() -> None:
    run = TapedRun()
    await run.briefing()
    assert all(CHARTER in run.prompts[lane][0] for lane in ("specialist", "analyst", "synthesist"))
    assert "4.9%, annual, 2023." in run.prompts["analyst"][0]
    assert "Prices rose by 4.9% in 2023." in run.prompts["synthesist"][0]


async def test_a_result_that_is_not_in_a_context_is_not_in_the_prompt() -> None:
    class GivesFiguresOnly(FinanceCrew):
        contexts: Mapping[str, tuple[str, ...]] = {
            **FinanceCrew.contexts,
            "briefing": ("figures",),
        }

    run = TapedRun()
    await run.briefing(crew=GivesFiguresOnly)
    assert CHARTER not in run.prompts["synthesist"][0]
    assert "Prices rose by 4.9% in 2023." not in run.prompts["synthesist"][0]


async def test_a_streamed_run_has_the_same_outcome_and_reports_each_chunk() -> None:
    texts: dict[str, str] = {}

    def on_chunk(agent: str, text: str) -> None:
        texts[agent] = texts.get(agent, "") + text

    assert (await TapedRun().briefing(on_chunk=on_chunk)).outcome == "verified"
    assert texts["lead"] == CHARTER
    assert json.loads(texts["synthesist"])["report"] == REPORT


async def test_the_result_of_a_lookup_has_unit_period_and_source() -> None:
    run = TapedRun()
    await run.briefing()
    assert '\\"cite\\": \\"4.9%, annual, 2023\\"' in run.prompts["specialist"][1]
    assert "World Bank, FP.CPI.TOTL.ZG" in run.prompts["specialist"][1]


async def test_the_specialist_reads_what_read_reply_returns() -> None:
    class ReadsValueOnly(FinanceCrew):
        def read_reply(self, reply: Any) -> Any:
            return {"value": reply[1][0]["value"]}

    run = TapedRun()
    await run.briefing(crew=ReadsValueOnly)
    assert '"{\\"value\\": 4.87835726508441}"' in run.prompts["specialist"][1]


async def test_missing_data_is_an_outcome() -> None:
    run = TapedRun(
        world_bank=[bank_line(EMPTY)],
        specialist=[LOOKUP, reply_line("specialist", "No data.", when="no data: none")],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[NO_DATA],
    )
    assert (await run.briefing()).outcome == "no data"


async def test_an_unsourced_figure_makes_a_briefing_unverified_even_if_data_is_missing() -> None:
    run = TapedRun(
        world_bank=[bank_line(EMPTY)],
        specialist=[LOOKUP, reply_line("specialist", "No data.")],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[CHECK, UNVERIFIED],
    )
    briefing = await run.briefing()
    assert (briefing.outcome, briefing.claims_verified) == ("unverified", False)
    assert briefing.unsourced[0].startswith("4.9%: ")


async def test_an_empty_list_that_is_passed_on_does_not_count_as_missing_data() -> None:
    class ReturnsRows(FinanceCrew):
        def read_reply(self, reply: Any) -> Any:
            return reply[1]

    run = TapedRun(
        world_bank=[bank_line(EMPTY)],
        specialist=[LOOKUP, reply_line("specialist", "4.9%.")],
        analyst=[reply_line("analyst", "Prices rose.")],
        synthesist=[UNVERIFIED],
    )
    assert (await run.briefing(crew=ReturnsRows)).outcome == "unverified"
    assert "no data: none" not in run.prompts["specialist"][1]


RENAMED_FIELD = [page()[0], [{"amount": 4.9, "date": "2023"}]]


async def test_a_renamed_field_is_an_error_that_the_agent_reads() -> None:
    changed = "replies have changed: no "
    run = TapedRun(
        world_bank=[bank_line(RENAMED_FIELD)],
        specialist=[LOOKUP, reply_line("specialist", "Changed.", when=changed)],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[NO_DATA],
    )
    assert (await run.briefing()).outcome == "source changed"


async def test_a_reader_with_a_default_turns_a_renamed_field_into_zero() -> None:
    class ReadsMissingFieldAsZero(FinanceCrew):
        def read_reply(self, reply: Any) -> Any:
            return {"value": reply[1][0].get("value", 0)}

    report = "In 2023 prices rose by 0% in France."
    run = TapedRun(
        world_bank=[bank_line(RENAMED_FIELD)],
        specialist=[LOOKUP, reply_line("specialist", "0%.")],
        analyst=[reply_line("analyst", "Prices did not change.")],
        synthesist=[
            call_line("synthesist", "check_figures", report=report),
            reply_line("synthesist", {"report": report, "verified": True}),
        ],
    )
    assert (await run.briefing(crew=ReadsMissingFieldAsZero)).outcome == "verified"


WRONG_FIGURE = "Prices rose by 7.3% in 2023."


def run_with_wrong_figure() -> TapedRun:
    return TapedRun(
        specialist=[LOOKUP, reply_line("specialist", "Prices rise by 7.3% a year.")],
        analyst=[reply_line("analyst", WRONG_FIGURE)],
        synthesist=[
            call_line("synthesist", "check_figures", report=WRONG_FIGURE),
            reply_line("synthesist", {"report": WRONG_FIGURE, "verified": False}),
        ],
    )


async def test_a_report_is_checked_against_the_tool_results() -> None:
    run = run_with_wrong_figure()
    assert (await run.briefing()).outcome == "unverified"
    assert '\\"verified\\": false' in run.prompts["synthesist"][1]


async def test_a_report_checked_against_the_agents_own_outputs_repeats_their_error() -> None:
    class ChecksAgainstOutputs(FinanceCrew):
        def check_report(self, report: str, evidence: Evidence) -> FigureCheck:
            return check_figures(report, evidence.task_outputs)

    run = run_with_wrong_figure()
    assert (await run.briefing(crew=ChecksAgainstOutputs)).outcome == "verified"


GUESS = [
    LOOKUP,
    call_line("specialist", "note_figure", key="inflation", figure="7.3%"),
    reply_line("specialist", "Noted."),
]


async def test_a_guess_is_marked_as_a_guess_when_it_is_recalled() -> None:
    run = TapedRun(specialist=GUESS)
    await run.briefing()
    assert "this is a guess, do not report it" in run.prompts["analyst"][1]


async def test_a_noted_figure_is_recalled_with_the_tool_that_returned_it() -> None:
    run = TapedRun()
    await run.briefing()
    assert '\\"source\\": \\"world_bank_indicator\\"' in run.prompts["analyst"][1]


async def test_the_analyst_reads_what_describe_note_returns() -> None:
    class HidesSources(FinanceCrew):
        def describe_note(self, note: StateEntry) -> Mapping[str, Any]:
            return {"figure": note.value}

    run = TapedRun(specialist=GUESS)
    await run.briefing(crew=HidesSources)
    assert "7.3%" in run.prompts["analyst"][1]
    assert "guess" not in run.prompts["analyst"][1]


async def test_a_lookup_that_fails_twice_is_given_up() -> None:
    run = run_that_repeats_lookups()
    assert (await run.briefing(*OUTAGE)).outcome == "unavailable"
    assert len(run.prompts["world_bank"]) == 2


async def test_the_last_failure_tells_the_agent_to_give_up() -> None:
    run = run_that_repeats_lookups()
    await run.briefing(*OUTAGE)
    assert "gave up after 2 failed calls" in run.prompts["specialist"][2]


async def test_below_max_failures_every_repetition_reaches_the_world_bank() -> None:
    run = run_that_repeats_lookups()
    await run.briefing(*OUTAGE, crew=ToleratesNineFailures)
    assert len(run.prompts["world_bank"]) == 4


async def test_a_lookup_that_succeeds_when_repeated_is_not_missing() -> None:
    lines = [LOOKUP, LOOKUP, NOTE, reply_line("specialist", "4.9%, annual, 2023.")]
    assert (await TapedRun(specialist=lines).briefing(OUTAGE[0])).outcome == "verified"


async def test_a_claim_without_a_check_is_sent_back() -> None:
    run = TapedRun(synthesist=[VERIFIED, UNVERIFIED])
    assert await run.briefing() == Briefing("unverified", REPORT, claims_verified=False)
    assert "No check of this run says so" in run.prompts["synthesist"][1]


async def test_a_claim_after_a_check_that_found_faults_is_sent_back() -> None:
    failed_check = call_line("synthesist", "check_figures", report="Prices rose by 7.3%.")
    run = TapedRun(synthesist=[failed_check, VERIFIED, UNVERIFIED])
    assert not (await run.briefing()).claims_verified


async def test_without_objections_a_claim_is_believed() -> None:
    class TrustsTheClaim(FinanceCrew):
        def find_objection(self, report: Report, evidence: Evidence) -> str | None:
            return None

    briefing = await TapedRun(synthesist=[VERIFIED]).briefing(crew=TrustsTheClaim)
    assert briefing == Briefing("unverified", REPORT, claims_verified=True)


async def test_a_report_that_is_not_json_is_sent_back() -> None:
    run = TapedRun(synthesist=[CHECK, reply_line("synthesist", REPORT), VERIFIED])
    assert (await run.briefing()).outcome == "verified"
    assert "Answer with JSON alone" in run.prompts["synthesist"][2]


@pytest.mark.long
async def test_concurrent_runs_do_not_affect_each_other() -> None:
    unchecked = TapedRun(synthesist=[VERIFIED, UNVERIFIED])
    checked = [TapedRun() for _ in range(3)]
    first, *others = await asyncio.gather(*(run.briefing() for run in (unchecked, *checked)))
    assert first.outcome == "unverified"
    assert [briefing.outcome for briefing in others] == ["verified"] * 3


async def test_a_run_stores_nothing_on_the_crew() -> None:
    """So that one crew can run several tasks at once."""
    with replay_tape(TapedRun().tape) as replay:
        crew = FinanceCrew(Model("taped", replay.base_url, API_KEY), world_bank=replay.url)
        before = dict(vars(crew))
        await crew.run(TASK)
    assert vars(crew) == before


DELEGATE = call_line(
    "manager",
    "delegate_work_to_coworker",
    task="Look up inflation in France in 2023.",
    context=CHARTER,
    coworker="specialist",
)


async def test_a_manager_assigns_the_tasks() -> None:
    class ManagedCrew(FinanceCrew):
        def build_manager(self, agents: list[Agent]) -> Agent:
            return make_manager(self.model, str(list_tools(agents)))

    run = TapedRun(
        lead=[],
        manager=[
            reply_line("manager", CHARTER),
            DELEGATE,
            reply_line("manager", "4.9%, annual, 2023."),
            reply_line("manager", "Prices rose by 4.9% in 2023."),
            reply_line("manager", {"report": REPORT, "verified": False}),
        ],
        analyst=[],
        synthesist=[],
    )
    assert (await run.briefing(crew=ManagedCrew)).outcome == "unverified"
    assert "'specialist': ['world_bank_indicator', 'note_figure']" in run.prompts["manager"][0]


@pytest.mark.parametrize("on_chunk", [None, lambda agent, text: None], ids=["whole", "streamed"])
async def test_an_answer_cut_off_at_the_token_limit_is_an_error(on_chunk: Any) -> None:
    cut_off = reply_line("analyst", "Prices rose by 4", finish_reason="length")
    with pytest.raises(TruncatedAnswerError, match="analyst, in analysis"):
        await TapedRun(analyst=[RECALL, cut_off]).briefing(on_chunk=on_chunk)


async def test_a_cut_off_answer_that_was_sent_back_is_not_an_error() -> None:
    cut_off = reply_line("synthesist", '{"report": "In', finish_reason="length")
    run = TapedRun(synthesist=[CHECK, cut_off, VERIFIED])
    assert (await run.briefing()).outcome == "verified"
