"""The financial crew, called as a person's own code would call it."""

import asyncio
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from crewai.tools.tool_failure import ToolExecutionFailedError

from instrumentation.state.shared_state import StateEntry
from instrumentation.telemetry import Price
from instrumentation.trace import trace as traces
from instrumentation.trace.trace import Trace
from instrumentation.tracing import RunHandle, enable_tracing, record_run
from scenarios.replay.faults import Fault, hangs, unavailable
from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import make_tape, reply_line, service_line
from tests.test_world_bank import EMPTY, PATH, page
from workflows.crew_finance import CONTEXTS, briefing
from workflows.evidence import Evidence
from workflows.finance_report import Briefing
from workflows.model import TruncatedAnswerError, Model
from workflows.roster import who_has_what

Line = dict[str, Any]
API_KEY = "sk-never-to-be-seen"
TASK = "Say by how much prices rose in France in 2023."
CHARTER = "Annual figures only. Unit, period and source with each figure."
REPORT = "In 2023 prices rose by 4.9% in France."
ASKED = {"country": "FRA", "indicator": "FP.CPI.TOTL.ZG", "period": "2023"}


def calls(lane: str, tool: str, when: str | None = None, **arguments: Any) -> Line:
    return reply_line(lane, None, when, tool_calls=[{"name": tool, "arguments": arguments}])


def bank(reply: Any) -> Line:
    return service_line("world_bank", PATH, reply, method="GET")


LOOKS_UP = calls("specialist", "world_bank_indicator", **ASKED)
NOTES = calls("specialist", "note_figure", key="inflation", figure="4.9%, annual, 2023")
RECALLS = calls("analyst", "recall_figure", key="inflation")
CHECKS = calls("synthesist", "check_figures", report=REPORT)
CLAIMS = reply_line("synthesist", {"report": REPORT, "verified": True})
OWNS_UP = reply_line("synthesist", {"report": REPORT, "verified": False})
NO_DATA = reply_line("synthesist", {"report": "There is no data for France.", "verified": False})
HEALTHY: Mapping[str, tuple[Line, ...]] = {
    "lead": (reply_line("lead", CHARTER),),
    "world_bank": (bank(page()),),
    "specialist": (LOOKS_UP, NOTES, reply_line("specialist", "4.9%, annual, 2023.")),
    "analyst": (RECALLS, reply_line("analyst", "Prices rose by 4.9% in 2023.")),
    "synthesist": (CHECKS, CLAIMS),
}


class Ran:
    """A briefing that was taped: how it ended, and what was really asked."""

    def __init__(self, **lanes: Iterable[Line]) -> None:
        self.tape = make_tape(*(line for lane in {**HEALTHY, **lanes}.values() for line in lane))
        self.prompts: dict[str, list[str]] = {}
        self.unplayed = 0

    async def with_(self, *faults: Fault, **settings: Any) -> Briefing:
        with replay_tape(self.tape, faults) as replay:
            model = Model("taped", replay.base_url, API_KEY)
            try:
                return await briefing(TASK, model, world_bank=replay.url, **settings)
            finally:
                for exchange in replay.ledger.exchanges:
                    asked = json.dumps(exchange.request, ensure_ascii=False)
                    self.prompts.setdefault(exchange.lane, []).append(asked)
                self.unplayed = len(replay.unplayed_lines)


async def test_a_checked_report_is_verified() -> None:
    run = Ran()
    assert await run.with_() == Briefing("verified", REPORT, claims_verified=True)
    assert run.unplayed == 0


async def test_each_task_is_given_the_charter_and_what_went_before() -> None:
    run = Ran()
    await run.with_()
    assert all(CHARTER in run.prompts[lane][0] for lane in ("specialist", "analyst", "synthesist"))
    assert "4.9%, annual, 2023." in run.prompts["analyst"][0]
    assert "Prices rose by 4.9% in 2023." in run.prompts["synthesist"][0]


async def test_what_a_context_leaves_out_is_not_given() -> None:
    run = Ran()
    await run.with_(contexts={**CONTEXTS, "briefing": ("figures",)})
    assert CHARTER not in run.prompts["synthesist"][0]
    assert "Prices rose by 4.9% in 2023." not in run.prompts["synthesist"][0]


async def test_streamed_the_outcome_is_the_same_and_every_piece_is_heard() -> None:
    heard: dict[str, str] = {}

    def hear(agent: str, text: str) -> None:
        heard[agent] = heard.get(agent, "") + text

    assert (await Ran().with_(on_text=hear)).outcome == "verified"
    assert heard["lead"] == CHARTER
    assert json.loads(heard["synthesist"])["report"] == REPORT


async def test_a_tool_s_result_has_unit_period_and_source() -> None:
    run = Ran()
    await run.with_()
    assert '\\"cite\\": \\"4.9%, annual, 2023\\"' in run.prompts["specialist"][1]
    assert "World Bank, FP.CPI.TOTL.ZG" in run.prompts["specialist"][1]


async def test_a_bare_value_is_told_bare_when_it_is_read_so() -> None:
    def bare(reply: Any) -> Any:
        return {"value": reply[1][0]["value"]}

    run = Ran()
    await run.with_(reads=bare)
    assert '"{\\"value\\": 4.87835726508441}"' in run.prompts["specialist"][1]


async def test_no_data_is_an_outcome() -> None:
    run = Ran(
        world_bank=[bank(EMPTY)],
        specialist=[LOOKS_UP, reply_line("specialist", "No data.", when="no data: none")],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[NO_DATA],
    )
    assert (await run.with_()).outcome == "no data"


async def test_a_figure_that_no_tool_gave_is_unverified_whatever_was_amiss() -> None:
    run = Ran(
        world_bank=[bank(EMPTY)],
        specialist=[LOOKS_UP, reply_line("specialist", "No data.")],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[CHECKS, OWNS_UP],
    )
    ended = await run.with_()
    assert (ended.outcome, ended.claims_verified) == ("unverified", False)
    assert ended.unsourced[0].startswith("4.9%: ")


async def test_an_empty_list_that_is_handed_on_is_not_told_as_no_data() -> None:
    def rows(reply: Any) -> Any:
        return reply[1]

    run = Ran(
        world_bank=[bank(EMPTY)],
        specialist=[LOOKS_UP, reply_line("specialist", "4.9%.")],
        analyst=[reply_line("analyst", "Prices rose.")],
        synthesist=[OWNS_UP],
    )
    assert (await run.with_(reads=rows)).outcome == "unverified"
    assert "no data: none" not in run.prompts["specialist"][1]


RENAMED = [page()[0], [{"amount": 4.9, "date": "2023"}]]


async def test_a_renamed_field_fails_loudly() -> None:
    run = Ran(
        world_bank=[bank(RENAMED)],
        specialist=[
            LOOKS_UP,
            reply_line("specialist", "Changed.", when="replies have changed: no "),
        ],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[NO_DATA],
    )
    assert (await run.with_()).outcome == "source changed"


async def test_a_lenient_reader_makes_a_zero_of_it() -> None:
    def lenient(reply: Any) -> Any:
        return {"value": reply[1][0].get("value", 0)}

    report = "In 2023 prices rose by 0% in France."
    run = Ran(
        world_bank=[bank(RENAMED)],
        specialist=[LOOKS_UP, reply_line("specialist", "0%.")],
        analyst=[reply_line("analyst", "Prices stood still.")],
        synthesist=[
            calls("synthesist", "check_figures", report=report),
            reply_line("synthesist", {"report": report, "verified": True}),
        ],
    )
    assert (await run.with_(reads=lenient)).outcome == "verified"


MISREAD = [
    LOOKS_UP,
    reply_line("specialist", "Prices rise by 7.3% a year."),
]
MISTOLD = "Prices rose by 7.3% in 2023."


def misread() -> Ran:
    return Ran(
        specialist=MISREAD,
        analyst=[reply_line("analyst", MISTOLD)],
        synthesist=[
            calls("synthesist", "check_figures", report=MISTOLD),
            reply_line("synthesist", {"report": MISTOLD, "verified": False}),
        ],
    )


async def test_a_report_is_checked_against_what_the_tools_said() -> None:
    run = misread()
    assert (await run.with_()).outcome == "unverified"
    assert '\\"verified\\": false' in run.prompts["synthesist"][1]


async def test_checked_against_the_brief_alone_a_wrong_brief_passes() -> None:
    def brief(evidence: Evidence) -> list[str]:
        return evidence.outputs

    run = misread()
    assert (await run.with_(checks=brief)).outcome == "verified"


GUESSES = [
    LOOKS_UP,
    calls("specialist", "note_figure", key="inflation", figure="7.3%"),
    reply_line("specialist", "Noted."),
]


async def test_a_guess_is_read_as_a_guess() -> None:
    run = Ran(specialist=GUESSES)
    await run.with_()
    assert "this is a guess, do not report it" in run.prompts["analyst"][1]


async def test_a_noted_figure_is_read_with_its_tool() -> None:
    run = Ran()
    await run.with_()
    assert '\\"source\\": \\"world_bank_indicator\\"' in run.prompts["analyst"][1]


async def test_a_guess_can_be_taken_for_a_fact() -> None:
    def as_truth(entry: StateEntry) -> Any:
        return {"figure": entry.value}

    run = Ran(specialist=GUESSES)
    await run.with_(accepts=as_truth)
    assert "7.3%" in run.prompts["analyst"][1]
    assert "guess" not in run.prompts["analyst"][1]


def stubborn() -> Ran:
    again = [reply_line("specialist", None, "may be asked again$", **_asks()) for _ in range(3)]
    gives_up = reply_line("specialist", "Unavailable.", when="do not ask again")
    return Ran(
        specialist=[LOOKS_UP, *again, gives_up, reply_line("specialist", "Unavailable.")],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[NO_DATA],
    )


def _asks() -> dict[str, Any]:
    return {"tool_calls": [{"name": "world_bank_indicator", "arguments": ASKED}]}


BUSY = [unavailable("world_bank", call=call) for call in (1, 2, 3, 4)]


async def test_a_call_that_fails_twice_is_given_up() -> None:
    run = stubborn()
    assert (await run.with_(*BUSY)).outcome == "unavailable"
    assert len(run.prompts["world_bank"]) == 2


async def test_with_the_last_failure_the_agent_is_told_to_give_up() -> None:
    run = stubborn()
    await run.with_(*BUSY)
    assert "gave up after 2 failed calls" in run.prompts["specialist"][2]


async def test_with_more_patience_it_is_made_as_often_as_it_is_asked_for() -> None:
    run = stubborn()
    await run.with_(*BUSY, patience=9)
    assert len(run.prompts["world_bank"]) == 4


async def test_a_retry_that_succeeds_leaves_nothing_amiss() -> None:
    run = Ran(
        specialist=[LOOKS_UP, LOOKS_UP, NOTES, reply_line("specialist", "4.9%, annual, 2023.")]
    )
    assert (await run.with_(BUSY[0])).outcome == "verified"


async def test_a_claim_without_a_check_is_sent_back() -> None:
    run = Ran(synthesist=[CLAIMS, OWNS_UP])
    assert await run.with_() == Briefing("unverified", REPORT, claims_verified=False)
    assert "No check of this run says so" in run.prompts["synthesist"][1]


async def test_a_claim_after_a_check_that_found_faults_is_sent_back() -> None:
    fails = calls("synthesist", "check_figures", report="Prices rose by 7.3%.")
    run = Ran(synthesist=[fails, CLAIMS, OWNS_UP])
    assert not (await run.with_()).claims_verified


async def test_without_a_guardrail_a_claim_is_taken_at_its_word() -> None:
    ended = await Ran(synthesist=[CLAIMS]).with_(verifies=lambda report, evidence: None)
    assert ended == Briefing("unverified", REPORT, claims_verified=True)


async def test_what_is_no_report_is_sent_back() -> None:
    run = Ran(synthesist=[CHECKS, reply_line("synthesist", REPORT), CLAIMS])
    assert (await run.with_()).outcome == "verified"
    assert "Answer with JSON alone" in run.prompts["synthesist"][2]


async def test_runs_at_once_see_nothing_of_each_other() -> None:
    unchecked = Ran(synthesist=[CLAIMS, OWNS_UP])
    checked = [Ran() for _ in range(3)]
    first, *others = await asyncio.gather(*(run.with_() for run in (unchecked, *checked)))
    assert first.outcome == "unverified"
    assert [ended.outcome for ended in others] == ["verified"] * 3


def test_nobody_waits_for_ever_unasked() -> None:
    deadline_s = inspect.signature(briefing).parameters["deadline_s"].default
    assert 0 < deadline_s <= 120


DELEGATES = calls(
    "manager",
    "delegate_work_to_coworker",
    task="Look up inflation in France in 2023.",
    context=CHARTER,
    coworker="specialist",
)


@pytest.mark.parametrize("roster", [who_has_what, lambda agents: "specialist\nsynthesist"])
async def test_a_manager_gives_out_the_tasks_by_his_roster(roster: Any) -> None:
    run = Ran(
        lead=[],
        manager=[
            reply_line("manager", CHARTER),
            DELEGATES,
            reply_line("manager", "4.9%, annual, 2023."),
            reply_line("manager", "Prices rose by 4.9% in 2023."),
            reply_line("manager", {"report": REPORT, "verified": False}),
        ],
        analyst=[],
        synthesist=[],
    )
    assert (await run.with_(led_by=roster)).outcome == "unverified"
    told = "specialist has world_bank_indicator, note_figure" in run.prompts["manager"][0]
    assert told == (roster is who_has_what)


@pytest.fixture
def tracing(store: str) -> Iterator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def left(run: RunHandle) -> Trace:
    return traces.trace_from_mlflow(found.to_dict() for found in run.traces())


async def test_the_root_of_its_trace_counts_what_the_crew_did(tracing: None) -> None:
    prices = {"taped": Price(1.0, 2.0)}
    with record_run() as run:
        await Ran().with_(prices=prices)
    root = left(run).root
    counted = {
        "flight_recorder.workflow.outcome": "verified",
        "flight_recorder.validation.report_number_count": 1,
        "flight_recorder.validation.unmatched_number_count": 0,
        "flight_recorder.state.write_count": 1,
        "flight_recorder.state.read_count": 1,
        "flight_recorder.routing.specialist.call_count": 1,
        "flight_recorder.routing.loop_detected": False,
        "flight_recorder.crew.task_count": 4,
        "flight_recorder.crew.agent_count": 4,
    }
    assert {name: root.attributes.get(name) for name in counted} == counted
    assert root.attributes["flight_recorder.crew.cost_usd"] > 0


async def test_its_trace_has_every_read_and_write_beneath_its_tool(tracing: None) -> None:
    with record_run() as run:
        await Ran().with_()
    tools = left(run).spans_of_type("TOOL")
    state = {tool.name: [child.name for child in tool.children] for tool in tools}
    assert state["note_figure"] == ["write inflation"]
    assert state["recall_figure"] == ["read inflation"]


async def test_its_trace_shows_what_the_world_bank_refused(tracing: None) -> None:
    with record_run() as run:
        await stubborn().with_(*BUSY)
    attempts = [
        [child.name for child in tool.children]
        for tool in left(run).spans_of_type("TOOL")
        if tool.name == "world_bank_indicator"
    ]
    assert attempts[:2] == [["HTTP 503"], ["HTTP 503"]]


async def test_a_crew_that_runs_away_is_stopped_and_its_root_says_so(tracing: None) -> None:
    run_away = Ran(specialist=[LOOKS_UP] * 9)
    again = pytest.raises(ToolExecutionFailedError, match="the same arguments 5 times")
    with record_run() as run, again:
        await run_away.with_(unavailable("world_bank", times=9), patience=99)
    root = left(run).root
    assert (root.status, root.attributes["flight_recorder.routing.loop_detected"]) == (
        "ERROR",
        True,
    )


async def test_a_crew_that_is_cancelled_says_who_was_at_work(tracing: None) -> None:
    run = Ran()
    with record_run() as kept, replay_tape(run.tape, [hangs("analyst")]) as replay:
        model = Model("taped", replay.base_url, API_KEY)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4):
                await briefing(TASK, model, world_bank=replay.url)
    told = left(kept).root.attributes
    assert told["flight_recorder.routing.analyst.call_count"] == 1
    assert told["flight_recorder.crew.total_duration_s"] > 2
    assert "analyst" in told["flight_recorder.telemetry.bottleneck"]


@pytest.mark.parametrize("on_text", [None, lambda agent, text: None], ids=["whole", "streamed"])
async def test_an_answer_that_ran_into_its_limit_is_not_taken_for_whole(on_text: Any) -> None:
    run = Ran(analyst=[RECALLS, reply_line("analyst", "Prices rose by 4", finish_reason="length")])
    with pytest.raises(TruncatedAnswerError, match="analyst, in analysis"):
        await run.with_(on_text=on_text)


async def test_half_an_answer_that_was_sent_back_is_forgotten() -> None:
    half = reply_line("synthesist", '{"report": "In', finish_reason="length")
    assert (await Ran(synthesist=[CHECKS, half, CLAIMS]).with_()).outcome == "verified"


async def test_no_key_stands_in_its_trace(tracing: None) -> None:
    with record_run() as run:
        await Ran().with_()
    (stored,) = run.traces()
    assert API_KEY not in stored.to_json()
    assert len(stored.to_json()) < 150_000


async def test_runs_at_once_leave_a_trace_each_with_nothing_of_the_others(tracing: None) -> None:
    async def one(ran: Ran) -> Trace:
        with record_run() as run:
            await ran.with_()
        return left(run)

    unchecked, checked = await asyncio.gather(one(Ran(synthesist=[CLAIMS, OWNS_UP])), one(Ran()))
    assert unchecked.root.attributes["flight_recorder.workflow.outcome"] == "unverified"
    assert checked.root.attributes["flight_recorder.workflow.outcome"] == "verified"
    spent = [
        trace.root.attributes["flight_recorder.crew.input_tokens"] for trace in (unchecked, checked)
    ]
    assert spent == [
        sum(span.tokens.input for span in trace.spans_of_type("LLM"))
        for trace in (unchecked, checked)
    ]
