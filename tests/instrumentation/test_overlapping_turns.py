"""Concurrent turns of a team: each turn names the turns that overlap with it."""

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow

from instrumentation.trace.canonical_json import dump_trace, parse_trace
from instrumentation.trace.outline import render_outline
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.expectations import (
    works_concurrently,
)
from scenarios.replay.faults import slow, unavailable
from tests.support.autogen_agents import agent, chain, load_trace, replay_lines, reply_line
from tests.support.media_runs import SPECIALISTS, run_verification, silence_lines, verdict_line


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


async def _run_specialists(tmp_path: Path, delay_s: float = 0.3) -> Trace:
    faults = [slow(name, delay_s=delay_s) for name in SPECIALISTS]
    lines = (*silence_lines(*SPECIALISTS), verdict_line())
    return (await run_verification(tmp_path, *lines, faults=faults))[1]


async def test_three_specialists_run_concurrently(tmp_path: Path) -> None:
    trace = await _run_specialists(tmp_path, delay_s=1.0)
    turns = [trace.turns(name)[0] for name in SPECIALISTS]
    durations_s = [(turn.end_ns - turn.start_ns) / 1e9 for turn in turns]
    total_s = (trace.root.end_ns - trace.root.start_ns) / 1e9
    assert min(durations_s) >= 1.0
    assert total_s < sum(durations_s) * 2 / 3
    assert max(turn.start_ns for turn in turns) < min(turn.end_ns for turn in turns)


async def test_each_turn_names_the_concurrent_turns(tmp_path: Path) -> None:
    trace = await _run_specialists(tmp_path)
    concurrent = {
        span.name: span.attributes.get("flight_recorder.turn.alongside")
        for span in trace.spans_of_type("AGENT")
    }
    assert concurrent == {
        "video": ["audio", "sync"],
        "audio": ["sync", "video"],
        "sync": ["audio", "video"],
        "verdict": None,
    }


async def test_concurrency_is_visible_in_a_recorded_trace_without_times(tmp_path: Path) -> None:
    parsed = parse_trace(dump_trace(await _run_specialists(tmp_path)), "here")
    assert "audio  [AGENT OK]  ∥ sync, video\n" in render_outline(parsed)
    assert works_concurrently(*SPECIALISTS).explain_failure(parsed) is None


async def test_a_recorded_trace_does_not_depend_on_which_turn_ends_first(tmp_path: Path) -> None:
    lines = (*silence_lines(*SPECIALISTS), verdict_line())
    _, audio_last = await run_verification(tmp_path, *lines, faults=[slow("audio", delay_s=0.5)])
    _, video_last = await run_verification(tmp_path, *lines, faults=[slow("video", delay_s=0.5)])
    assert dump_trace(audio_last) == dump_trace(video_last)


async def test_sequential_turns_are_not_concurrent(tmp_path: Path) -> None:
    with (
        replay_lines(tmp_path, reply_line("a", "one"), reply_line("b", "two")) as replay,
        record_run() as run,
    ):
        await chain(agent(replay, "a"), agent(replay, "b")).run(task="go")
    trace = load_trace(run)
    assert not any("flight_recorder.turn.alongside" in span.attributes for span in trace)
    assert works_concurrently("a", "b").explain_failure(trace) == "a worked alone, without b"


async def test_turns_of_two_teams_are_not_concurrent(tmp_path: Path) -> None:
    faults = [slow("a", delay_s=0.3), slow("b", delay_s=0.3)]
    lines = (reply_line("a", "one"), reply_line("b", "two"))
    with replay_lines(tmp_path, *lines, faults=faults) as replay, record_run() as run:
        teams = [chain(agent(replay, name)).run(task="go") for name in ("a", "b")]
        await asyncio.gather(*teams)
    assert not any("flight_recorder.turn.alongside" in span.attributes for span in load_trace(run))


async def test_a_failing_branch_names_the_concurrent_turns(tmp_path: Path) -> None:
    faults = [unavailable("a", status=400), slow("b", delay_s=0.5)]
    with (
        replay_lines(tmp_path, reply_line("b", "two"), faults=faults) as replay,
        record_run() as run,
    ):
        graph = DiGraphBuilder()
        for name in ("a", "b"):
            graph.add_node(agent(replay, name))
        team = GraphFlow(graph.get_participants(), graph=graph.build())
        with pytest.raises(RuntimeError):
            await team.run(task="go")
    (failed,) = load_trace(run).turns("a")
    assert failed.failed
    assert failed.attributes["flight_recorder.turn.alongside"] == ["b"]


async def test_the_failure_names_an_agent_without_a_turn(tmp_path: Path) -> None:
    with replay_lines(tmp_path, reply_line("a", "one")) as replay, record_run() as run:
        await chain(agent(replay, "a")).run(task="go")
    assert (
        works_concurrently("b", "a").explain_failure(load_trace(run))
        == "b took no turn; agents at work: a"
    )


def test_the_outline_counts_many_concurrent_turns() -> None:
    others = [f"specialist_{number}" for number in range(29)]
    turn = Span("verdict", "AGENT", attributes={"flight_recorder.turn.alongside": others})
    assert render_outline(Trace((turn,))) == "verdict  [AGENT OK]  ∥ 29 others\n"
