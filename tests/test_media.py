"""The verification workflow, called as a person's own code would call it."""

import asyncio
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instrumentation.state.shared_state import SharedState, StateEntry
from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import slow, unavailable
from tests.support.autogen_agents import (
    API_KEY,
    load_trace,
    replay_lines,
    reply_line,
    tool_calls_line,
)
from tests.support.media_runs import (
    archive_lookup_line,
    finding_line,
    line_when,
    run_verification,
    silence_lines,
    verdict_line,
)
from workflows.clip_made import made
from workflows.graphflow_media import Verification, verify
from workflows.lookup import Ask, Lookup
from workflows.measured import Asked
from workflows.model import Model


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def _results(trace: Trace, tool: str) -> list[Any]:
    return [span.outputs for span in trace.spans_of_type("TOOL") if span.name == tool]


async def test_the_verdict_is_structured_and_says_whom_it_cites(tmp_path: Path) -> None:
    ended, trace = await run_verification(
        tmp_path, *silence_lines("video", "audio", "sync"), verdict_line()
    )
    reasons = ("[video] steady", "[audio] whole")
    assert ended == Verification("authentic", reasons, cites=("audio", "video"))
    assert trace.root.attributes["flight_recorder.workflow.outcome"] == "authentic"


async def test_streamed_the_outcome_is_the_same_and_every_agent_is_heard(tmp_path: Path) -> None:
    heard: dict[str, str] = {}

    def listen(agent: str, text: str) -> None:
        heard[agent] = heard.get(agent, "") + text

    lines = (*silence_lines("video", "audio", "sync"), verdict_line())
    ended, trace = await run_verification(tmp_path, *lines, on_text=listen)
    assert ended.outcome == "authentic"
    assert heard["sync"] == "sync has nothing to say."
    assert {*trace.agents} == {"video", "audio", "sync", "verdict"} == {*heard}


async def test_tools_tell_what_the_samples_say_with_units(tmp_path: Path) -> None:
    clip = made(duplicated=(31, 32), dropped={60: 4}, splice_s=2.4, sound_late_ms=-80)
    lines = (
        tool_calls_line("video", ("duplicate_frames", {}), ("dropped_frames", {}), ("flashes", {})),
        tool_calls_line("audio", ("splice", {}), ("beeps", {})),
        tool_calls_line("sync", ("sound_offset", {})),
        *silence_lines("video", "audio", "sync"),
        verdict_line(),
    )
    _, trace = await run_verification(tmp_path, *lines, clip=clip)
    assert {span.name: span.outputs for span in trace.spans_of_type("TOOL")} == {
        "duplicate_frames": {"duplicate_frames": 2, "at_frames": [31, 32], "unit": "frames"},
        "dropped_frames": {"dropped_frames": 4, "before_frames": [60], "unit": "frames"},
        "flashes": {"flashes": [0.8, 1.8, 3.08], "unit": "s"},
        "beeps": {"beeps": [0.72, 1.72, 3.0], "unit": "s"},
        "splice": {"splice": 2.4, "unit": "s"},
        "sound_offset": {"sound_offset": -80, "unit": "ms", "sound": "early"},
    }


async def test_a_part_with_nothing_in_it_goes_back_to_the_model_as_an_error(
    tmp_path: Path,
) -> None:
    lines = (
        tool_calls_line("video", ("flashes", {"from_s": 5.0})),
        line_when(
            reply_line("video", "There is no such part."), "nothing lies between 5.0 s and 4.0 s"
        ),
        *silence_lines("audio", "sync"),
        verdict_line(),
    )
    _, trace = await run_verification(tmp_path, *lines)
    (call,) = trace.spans_of_type("TOOL")
    assert call.failed


async def test_of_a_clip_without_sound_the_model_is_told_so_in_a_sentence(tmp_path: Path) -> None:
    clip = made()
    lines = (
        tool_calls_line("audio", ("beeps", {})),
        line_when(reply_line("audio", "It is silent."), "there is no sound"),
        *silence_lines("video", "sync"),
        verdict_line(),
    )
    _, trace = await run_verification(
        tmp_path, *lines, clip=replace(clip, samples=clip.samples[:0])
    )
    (call,) = trace.spans_of_type("TOOL")
    assert call.status_message == "ToolCallError: there is no sound"


async def _two_ask(tmp_path: Path, from_s: float = 0.0, **settings: Any) -> Trace:
    lines = (
        tool_calls_line("video", ("flashes", {})),
        tool_calls_line("sync", ("sound_offset", {"from_s": from_s})),
        *silence_lines("video", "audio", "sync"),
        verdict_line(),
    )
    return (
        await run_verification(tmp_path, *lines, faults=[slow("sync", delay_s=0.5)], **settings)
    )[1]


def _measured(trace: Trace) -> list[str]:
    return sorted(span.name for span in trace.spans_of_type("MEASUREMENT"))


async def test_two_who_ask_the_same_share_one_measurement(tmp_path: Path) -> None:
    trace = await _two_ask(tmp_path)
    assert _measured(trace) == ["measure beeps", "measure flashes"]
    (shares,) = (span for span in trace.spans_of_type("TOOL") if span.name == "sound_offset")
    assert shares.attributes["flight_recorder.measurement.shared"] == ["flashes"]
    assert "  shares flashes\n" in render_outline(trace)


async def test_of_another_part_it_is_another_measurement(tmp_path: Path) -> None:
    trace = await _two_ask(tmp_path, from_s=1.0)
    assert _measured(trace) == ["measure beeps", "measure flashes", "measure flashes"]


async def test_the_page_may_say_what_counts_as_the_same(tmp_path: Path) -> None:
    def by_agent(asked: Asked) -> object:
        return asked

    trace = await _two_ask(tmp_path, measures=by_agent)
    assert _measured(trace) == ["measure beeps", "measure flashes", "measure flashes"]


async def test_two_who_ask_at_the_same_moment_share_it_too(tmp_path: Path) -> None:
    both = tool_calls_line("video", ("flashes", {}), ("flashes", {}))
    _, trace = await run_verification(
        tmp_path, both, *silence_lines("video", "audio", "sync"), verdict_line()
    )
    assert _measured(trace) == ["measure flashes"]
    assert _results(trace, "flashes") == 2 * [{"flashes": [0.8, 1.8, 3.08], "unit": "s"}]


NOTED = (
    tool_calls_line("video", ("flashes", {})),
    finding_line("video", "flashes at 0.8 s, 1.8 s and 3.08 s"),
    tool_calls_line("audio", ("beeps", {})),
    finding_line("audio", "beeps at 0.8 s, 1.8 s and 3.08 s"),
    *silence_lines("video", "audio", "sync"),
    tool_calls_line("verdict", ("recall_findings", {})),
    verdict_line(),
)


async def test_a_finding_is_added_to_what_others_have_noted(tmp_path: Path) -> None:
    _, trace = await run_verification(tmp_path, *NOTED, faults=[slow("audio", 2, delay_s=0.5)])
    (recalled,) = _results(trace, "recall_findings")
    assert recalled["findings"] == [
        "[video] flashes at 0.8 s, 1.8 s and 3.08 s",
        "[audio] beeps at 0.8 s, 1.8 s and 3.08 s",
    ]
    assert trace.root.attributes["flight_recorder.state.concurrent_write_count"] == 0
    assert trace.root.attributes["flight_recorder.state.ungrounded_write_count"] == 0


async def test_a_blind_write_to_one_slot_shows_as_concurrent(tmp_path: Path) -> None:
    def blindly(state: SharedState, author: str, finding: str) -> StateEntry:
        return state.write("findings", f"[{author}] {finding}", author=author)

    faults = [slow("audio", 2, delay_s=0.5)]
    _, trace = await run_verification(tmp_path, *NOTED, faults=faults, notes=blindly)
    (recalled,) = _results(trace, "recall_findings")
    assert recalled == {"findings": "[audio] beeps at 0.8 s, 1.8 s and 3.08 s"}
    assert trace.root.attributes["flight_recorder.state.concurrent_write_count"] == 1


async def test_with_a_slot_each_nothing_is_lost(tmp_path: Path) -> None:
    def apart(state: SharedState, author: str, finding: str) -> StateEntry:
        return state.write(author, finding, author=author)

    _, trace = await run_verification(tmp_path, *NOTED, notes=apart)
    (recalled,) = _results(trace, "recall_findings")
    assert [*recalled] == ["audio", "video"]
    assert trace.root.attributes["flight_recorder.state.concurrent_write_count"] == 0


async def test_what_every_specialist_said_arrives_in_the_same_order_whoever_was_faster(
    tmp_path: Path,
) -> None:
    said = r"(?s)user: Is it whole\?.*audio has nothing.*sync has nothing.*video has nothing"
    lines = (*silence_lines("video", "audio", "sync"), line_when(verdict_line(), said))
    _, trace = await run_verification(tmp_path, *lines, faults=[slow("audio", delay_s=0.5)])
    scores = [
        span.attributes["flight_recorder.handoff.efficiency_score"]
        for span in trace.spans_of_type("HANDOFF")
    ]
    assert scores == [1.0, 1.0, 1.0]


async def test_a_branch_that_the_verdict_does_not_read_is_a_handoff_that_was_withheld(
    tmp_path: Path,
) -> None:
    def last_two(messages: Any) -> Any:
        return messages[-2:]

    faults = [slow("audio", delay_s=0.5), slow("sync", delay_s=1.0)]
    lines = (*silence_lines("video", "audio", "sync"), verdict_line())
    _, trace = await run_verification(tmp_path, *lines, faults=faults, verdict_reads=last_two)
    withheld = {
        span.name: span.attributes["flight_recorder.handoff.withheld"]
        for span in trace.spans_of_type("HANDOFF")
    }
    assert withheld == {
        "video → verdict": True,
        "audio → verdict": False,
        "sync → verdict": False,
    }


def _looking(*lines: Any) -> tuple[Any, ...]:
    ends = (*silence_lines("video", "audio", "sync"), verdict_line())
    return (tool_calls_line("video", ("archive_matches", {})), *lines, *ends)


async def test_a_slow_archive_is_waited_for_as_long_as_there_is_news(tmp_path: Path) -> None:
    steps = [archive_lookup_line("running", n) for n in range(1, 12)]
    lines = _looking(
        archive_lookup_line("running", 0, first=True), *steps, archive_lookup_line("done", 4096)
    )
    _, trace = await run_verification(tmp_path, *lines)
    (call,) = trace.spans_of_type("TOOL")
    assert call.outputs["state"] == "done"
    assert call.attributes["flight_recorder.lookup.ask_count"] == 13
    assert call.attributes["flight_recorder.lookup.silent_count"] == 0


async def test_an_archive_without_news_is_given_up_with_a_sentence(tmp_path: Path) -> None:
    lines = _looking(
        archive_lookup_line("running", 7, first=True),
        *(archive_lookup_line("running", 7) for _ in range(5)),
    )
    _, trace = await run_verification(tmp_path, *lines)
    (call,) = trace.spans_of_type("TOOL")
    assert call.failed
    assert "has looked through 7 of 4096 clips, and said the same 6 times" in call.status_message


async def test_whoever_asks_again_asks_after_the_same_lookup(tmp_path: Path) -> None:
    async def as_it_stands(ask: Ask, every_s: float) -> Lookup:
        return await ask()

    twice = (
        tool_calls_line("video", ("archive_matches", {})),
        tool_calls_line("video", ("archive_matches", {})),
    )
    asked = archive_lookup_line("running", 7, first=True), archive_lookup_line("running", 7)
    lines = (*twice, *asked, *silence_lines("video", "audio", "sync"), verdict_line())
    _, trace = await run_verification(tmp_path, *lines, waits=as_it_stands)
    silences = [
        span.attributes["flight_recorder.lookup.silent_count"]
        for span in trace.spans_of_type("TOOL")
    ]
    assert silences == [0, 1]
    assert render_outline(trace).count("  1 answer without news\n") == 1
    assert not any(span.failed for span in trace)


async def test_two_who_ask_the_archive_at_once_begin_one_lookup(tmp_path: Path) -> None:
    both = tool_calls_line("video", ("archive_matches", {}), ("archive_matches", {}))
    done = archive_lookup_line("done", 4096, first=True), archive_lookup_line("done", 4096)
    lines = (both, *done, *silence_lines("video", "audio", "sync"), verdict_line())
    _, trace = await run_verification(tmp_path, *lines)
    assert [found["state"] for found in _results(trace, "archive_matches")] == ["done", "done"]


async def test_an_archive_that_goes_to_and_fro_is_given_up(tmp_path: Path) -> None:
    fro = (archive_lookup_line("running", 7 - n % 2) for n in range(1, 6))
    _, trace = await run_verification(
        tmp_path, *_looking(archive_lookup_line("running", 7, first=True), *fro)
    )
    (call,) = trace.spans_of_type("TOOL")
    assert "has looked through 7 of 4096 clips" in call.status_message


async def test_an_archive_that_is_down_is_an_error_of_the_tool(tmp_path: Path) -> None:
    again = tool_calls_line("video", ("archive_matches", {}))
    lines = _looking(again, archive_lookup_line("done", 4096, first=True))
    _, trace = await run_verification(tmp_path, *lines, faults=[unavailable("archive")])
    refused, answered = trace.spans_of_type("TOOL")
    assert "the archive answered HTTP 503" in refused.status_message
    assert answered.outputs["state"] == "done"
    assert [span.name for span in refused] == ["archive_matches", "HTTP 503"]


async def test_out_of_rounds_a_specialist_answers_with_what_it_has(tmp_path: Path) -> None:
    again = [tool_calls_line("video", ("flashes", {})) for _ in range(2)]
    lines = (*again, *silence_lines("video", "audio", "sync"), verdict_line())
    ended, trace = await run_verification(tmp_path, *lines, rounds=2)
    assert ended.outcome == "authentic"
    assert len(_results(trace, "flashes")) == 2


async def test_the_trace_does_not_bear_the_key(tmp_path: Path) -> None:
    _, trace = await run_verification(
        tmp_path, *silence_lines("video", "audio", "sync"), verdict_line()
    )
    assert API_KEY not in repr(trace)


@pytest.mark.timeout(20)
async def test_a_run_that_is_cancelled_while_a_tool_is_at_work_ends(tmp_path: Path) -> None:
    at_work = asyncio.Event()

    async def stuck(ask: Ask, every_s: float) -> Lookup:
        at_work.set()
        await asyncio.sleep(3600)
        return await ask()

    lines = _looking()
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        model = Model("taped", replay.base_url, API_KEY)
        running = asyncio.ensure_future(verify("Is it?", model, clip=made(), waits=stuck))
        await at_work.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    (call,) = load_trace(run).spans_of_type("TOOL")
    assert call.failed
