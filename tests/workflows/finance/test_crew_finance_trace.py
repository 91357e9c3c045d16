"""The trace that a run of the finance crew leaves."""

import asyncio
from collections.abc import Iterator

import pytest
from crewai.tools.tool_failure import ToolExecutionFailedError

from instrumentation import (
    Price,
    RunHandle,
    Trace,
    enable_tracing,
    record_run,
    trace_from_mlflow,
)
from scenarios.replay.faults import hangs, unavailable
from scenarios.replay.replay_server import replay_tape
from tests.support.finance_runs import (
    API_KEY,
    LOOKUP,
    OUTAGE,
    TASK,
    UNVERIFIED,
    VERIFIED,
    TapedRun,
    ToleratesNineFailures,
    run_that_repeats_lookups,
)
from workflows.crew_finance import FinanceCrew
from workflows.model import Model


@pytest.fixture
def tracing(store: str) -> Iterator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def trace_of(run: RunHandle) -> Trace:
    return trace_from_mlflow(stored.to_dict() for stored in run.traces())


async def test_the_root_span_has_the_counts_of_the_run(tracing: None) -> None:
    with record_run() as run:
        await TapedRun().briefing(prices={"taped": Price(1.0, 2.0)})
    root = trace_of(run).root
    expected = {
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
    assert {name: root.attributes.get(name) for name in expected} == expected
    assert root.attributes["flight_recorder.crew.cost_usd"] > 0


async def test_reads_and_writes_are_children_of_their_tool_calls(tracing: None) -> None:
    with record_run() as run:
        await TapedRun().briefing()
    tools = trace_of(run).spans_of_type("TOOL")
    children = {tool.name: [child.name for child in tool.children] for tool in tools}
    assert children["note_figure"] == ["write inflation"]
    assert children["recall_figure"] == ["read inflation"]


async def test_failed_requests_are_children_of_their_lookups(tracing: None) -> None:
    with record_run() as run:
        await run_that_repeats_lookups().briefing(*OUTAGE)
    attempts = [
        [child.name for child in tool.children]
        for tool in trace_of(run).spans_of_type("TOOL")
        if tool.name == "world_bank_indicator"
    ]
    assert attempts[:2] == [["HTTP 503"], ["HTTP 503"]]


async def test_a_run_that_crewai_stops_is_an_error_with_a_loop(tracing: None) -> None:
    run_away = TapedRun(specialist=[LOOKUP] * 9)
    stopped = pytest.raises(ToolExecutionFailedError, match="the same arguments 5 times")
    with record_run() as run, stopped:
        await run_away.briefing(unavailable("world_bank", times=9), crew=ToleratesNineFailures)
    root = trace_of(run).root
    assert root.status == "ERROR"
    assert root.attributes["flight_recorder.routing.loop_detected"]


async def test_the_trace_of_a_cancelled_run_names_the_agent_at_work(tracing: None) -> None:
    tape = TapedRun().tape
    with record_run() as run, replay_tape(tape, [hangs("analyst")]) as replay:
        crew = FinanceCrew(Model("taped", replay.base_url, API_KEY), world_bank=replay.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4):
                await crew.run(TASK)
    attributes = trace_of(run).root.attributes
    assert attributes["flight_recorder.routing.analyst.call_count"] == 1
    assert attributes["flight_recorder.crew.total_duration_s"] > 2
    assert "analyst" in attributes["flight_recorder.telemetry.bottleneck"]


async def test_the_trace_does_not_contain_the_api_key(tracing: None) -> None:
    with record_run() as run:
        await TapedRun().briefing()
    (stored,) = run.traces()
    assert API_KEY not in stored.to_json()
    assert len(stored.to_json()) < 150_000


async def test_concurrent_runs_leave_separate_traces(tracing: None) -> None:
    async def run_traced(taped: TapedRun) -> Trace:
        with record_run() as run:
            await taped.briefing()
        return trace_of(run)

    unchecked, checked = await asyncio.gather(
        run_traced(TapedRun(synthesist=[VERIFIED, UNVERIFIED])), run_traced(TapedRun())
    )
    assert unchecked.root.attributes["flight_recorder.workflow.outcome"] == "unverified"
    assert checked.root.attributes["flight_recorder.workflow.outcome"] == "verified"
    for trace in (unchecked, checked):
        counted = sum(span.tokens.input for span in trace.spans_of_type("LLM"))
        assert trace.root.attributes["flight_recorder.crew.input_tokens"] == counted
