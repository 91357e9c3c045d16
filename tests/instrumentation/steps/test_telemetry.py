"""Telemetry attributes: tokens, cost, times, errors and retries."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from instrumentation.http_attempts.http_client import tracing_interceptor
from instrumentation.steps import collect_steps, steps_from_trace
from instrumentation.steps.step_times import build_timeline
from instrumentation.steps.telemetry import Price, telemetry_attributes, total_cost_usd
from instrumentation.trace.span import Tokens
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import rate_limited
from tests.instrumentation.steps.step_factory import NS_PER_MS, make_step
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, tool_calls_line
from tests.support.crewai_crews import agent, crew, lookup, task

PRICES = {"taped": Price(2.0, 10.0)}
STEPS = (
    make_step("crew", "office", 0, 100),
    make_step("task", "office/get", 10, 60),
    make_step("turn", "office/get/data", 10, 60, result="4.9 %"),
    make_step("completion", "office/get/data/call", 10, 20, tokens=Tokens(100, 10)),
    make_step("tool", "office/get/data/lookup", 25, 55, result="4.9"),
    make_step("tool", "office/get/data/lookup", 30, 40, result="2.0"),
    make_step("completion", "office/get/data/call", 56, 60, tokens=Tokens(200, 20)),
    make_step("task", "office/write", 70, 100),
    make_step("turn", "office/write/writer", 70, 100, result="a report"),
    make_step(
        "completion", "office/write/writer/call", 70, 90, tokens=Tokens(300, 30), model="expensive"
    ),
)


@pytest.fixture
def attributes() -> dict[str, Any]:
    return telemetry_attributes(STEPS, PRICES)


def test_tokens_are_counted_by_agent_and_path(attributes: dict[str, Any]) -> None:
    assert attributes["flight_recorder.telemetry.tokens_by_agent"] == {
        "data": {"input": 300, "output": 30},
        "writer": {"input": 300, "output": 30},
    }
    assert attributes["flight_recorder.telemetry.tokens_by_path"]["office > get > data"] == {
        "input": 300,
        "output": 30,
    }


def test_a_completion_that_reads_two_results_of_a_tool_counts_once(
    attributes: dict[str, Any],
) -> None:
    assert attributes["flight_recorder.telemetry.tokens_by_tool"] == {
        "lookup": {"input": 200, "output": 20}
    }


def test_costs_are_known_for_models_with_a_price(attributes: dict[str, Any]) -> None:
    assert attributes["flight_recorder.telemetry.cost_usd_by_agent"] == {
        "data": pytest.approx(0.0009)
    }
    assert attributes["flight_recorder.telemetry.cost_usd_by_task"] == {
        "get": pytest.approx(0.0009)
    }


def test_a_total_with_an_unknown_price_is_omitted(attributes: dict[str, Any]) -> None:
    assert "flight_recorder.crew.cost_usd" not in attributes
    with_price = telemetry_attributes(STEPS, PRICES | {"expensive": Price(1, 1)})
    cost = with_price["flight_recorder.crew.cost_usd"]
    assert isinstance(cost, float)
    assert cost > 0


def test_no_completion_has_no_cost() -> None:
    assert total_cost_usd((), PRICES) is None


def test_totals_of_the_crew(attributes: dict[str, Any]) -> None:
    assert (
        attributes["flight_recorder.crew.task_count"],
        attributes["flight_recorder.crew.agent_count"],
    ) == (
        2,
        2,
    )
    assert attributes["flight_recorder.crew.total_duration_s"] == 0.1
    assert attributes["flight_recorder.crew.data.output_chars"] == len("4.9 %")


def test_queue_and_work_times_are_separate() -> None:
    by_path = {
        (timed.step.path, timed.step.started_ns // NS_PER_MS): timed
        for timed in build_timeline(STEPS)
    }
    timed = by_path[("office", "write"), 70]
    assert timed.queue_ns == 10 * NS_PER_MS
    assert timed.work_ns == 0
    tool = by_path[("office", "get", "data", "lookup"), 25]
    assert (tool.queue_ns, tool.work_ns) == (5 * NS_PER_MS, 30 * NS_PER_MS)
    assert by_path[("office", "get", "data"), 10].work_ns == (5 + 1) * NS_PER_MS


def test_the_bottleneck_is_the_step_with_the_longest_work_time(attributes: dict[str, Any]) -> None:
    assert attributes["flight_recorder.telemetry.bottleneck"].startswith(
        "office > get > data > lookup: "
    )


def test_an_error_is_counted_only_where_it_occurred() -> None:
    failed = [
        make_step("crew", "office", 0, 9, error="ValueError: no"),
        make_step("task", "office/get", 0, 9, error="ValueError: no"),
        make_step("tool", "office/get/data/lookup", 1, 2, error="LookupError: nowhere"),
    ]
    assert telemetry_attributes(failed)["flight_recorder.telemetry.errors"] == {"LookupError": 1}


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def test_a_rejection_by_a_guardrail_has_no_error_class() -> None:
    attributes = telemetry_attributes(
        [make_step("guardrail", "office/get/guard", 0, 1, error="Say more, in JSON.")]
    )
    assert attributes["flight_recorder.telemetry.errors"] == {"guardrail failed": 1}


@pytest.mark.usefixtures("recording")
def test_failed_attempts_and_retries_are_counted(tmp_path: Path) -> None:
    fault = rate_limited("data", times=2, retry_after_s=0.05)
    with (
        replay_lines(tmp_path, reply_line("data", "4.9"), faults=[fault]) as replay,
        record_run() as run,
    ):
        model = {"interceptor": tracing_interceptor(), "max_retries": 3}
        crew(task(agent(replay, "data", llm=model), "get")).kickoff()
    attributes = telemetry_attributes(steps_from_trace(load_trace(run)))
    assert attributes["flight_recorder.telemetry.rate_limited_count"] == 2
    assert attributes["flight_recorder.telemetry.retry_count"] == 2
    assert attributes["flight_recorder.telemetry.failed_attempts"] == {"HTTP 429": 2}


def test_token_totals_match_the_ledger(tmp_path: Path) -> None:
    lines = (
        tool_calls_line("data", ("lookup", {"country": "FR"})),
        reply_line("data", "4.9"),
        reply_line("writer", "ok"),
    )
    with replay_lines(tmp_path, *lines) as replay, collect_steps() as log:
        data = agent(replay, "data", tools=[lookup])
        crew(task(data, "get"), task(agent(replay, "writer"), "write")).kickoff()
    attributes = telemetry_attributes(log.steps)
    exchanges = replay.ledger.exchanges
    assert attributes["flight_recorder.crew.input_tokens"] == sum(
        timed.input_tokens for timed in exchanges
    )
    assert attributes["flight_recorder.crew.output_tokens"] == sum(
        timed.output_tokens for timed in exchanges
    )
