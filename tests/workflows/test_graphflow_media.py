"""The media verification lesson, called as a program would call it."""

import asyncio
from collections.abc import Generator, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.messages import BaseChatMessage

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
    SPECIALISTS,
    QuickVerification,
    archive_lookup_line,
    finding_line,
    line_when,
    run_verification,
    silence_lines,
    verdict_line,
)
from workflows.graphflow_media import MediaVerification, Verification
from workflows.model import Model
from workflows.support.media.synthetic_clip import make_clip
from workflows.support.media.tools import Finding, MediaTools


@pytest.fixture(autouse=True)
def _tracing(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def tool_results(trace: Trace, tool: str) -> list[Any]:
    return [span.outputs for span in trace.spans_of_type("TOOL") if span.name == tool]


async def test_the_result_has_the_verdict_and_names_the_agents_that_it_cites(
    tmp_path: Path,
) -> None:
    result, trace = await run_verification(tmp_path, *silence_lines(*SPECIALISTS), verdict_line())
    reasons = ("[video] steady", "[audio] whole")
    assert result == Verification("authentic", reasons, cites=("audio", "video"))
    assert trace.root.attributes["flight_recorder.workflow.outcome"] == "authentic"


async def test_a_streamed_verification_passes_on_the_text_of_every_agent(tmp_path: Path) -> None:
    texts: dict[str, str] = {}

    def on_chunk(agent: str, text: str) -> None:
        texts[agent] = texts.get(agent, "") + text

    lines = (*silence_lines(*SPECIALISTS), verdict_line())
    result, trace = await run_verification(tmp_path, *lines, on_chunk=on_chunk)
    assert result.outcome == "authentic"
    assert texts["sync"] == "sync has nothing to say."
    assert {*trace.agents} == {"video", "audio", "sync", "verdict"} == {*texts}


async def test_tools_return_measurements_with_units(tmp_path: Path) -> None:
    clip = make_clip(duplicated=(31, 32), dropped={60: 4}, splice_s=2.4, sound_late_ms=-80)
    lines = (
        tool_calls_line("video", ("duplicate_frames", {}), ("dropped_frames", {}), ("flashes", {})),
        tool_calls_line("audio", ("splice", {}), ("beeps", {})),
        tool_calls_line("sync", ("sound_offset", {})),
        *silence_lines(*SPECIALISTS),
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


async def test_an_empty_part_is_reported_to_the_model_as_an_error(tmp_path: Path) -> None:
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


async def test_missing_sound_is_reported_to_the_model_as_an_error(tmp_path: Path) -> None:
    clip = make_clip()
    lines = (
        tool_calls_line("audio", ("beeps", {})),
        line_when(reply_line("audio", "It is silent."), "there is no sound"),
        *silence_lines("video", "sync"),
        verdict_line(),
    )
    silent_clip = replace(clip, samples=clip.samples[:0])
    _, trace = await run_verification(tmp_path, *lines, clip=silent_clip)
    (call,) = trace.spans_of_type("TOOL")
    assert call.status_message == "ToolCallError: there is no sound"


async def measure_in_two_branches(
    tmp_path: Path,
    from_s: float = 0.0,
    workflow: type[MediaVerification] = QuickVerification,
) -> Trace:
    """Let video measure the flashes, and then sync the sound offset, from `from_s` on."""
    lines = (
        tool_calls_line("video", ("flashes", {})),
        tool_calls_line("sync", ("sound_offset", {"from_s": from_s})),
        *silence_lines(*SPECIALISTS),
        verdict_line(),
    )
    faults = [slow("sync", delay_s=0.5)]
    _, trace = await run_verification(tmp_path, *lines, workflow=workflow, faults=faults)
    return trace


def measurements(trace: Trace) -> list[str]:
    return sorted(span.name for span in trace.spans_of_type("MEASUREMENT"))


async def test_two_branches_share_a_measurement_of_the_same_part(tmp_path: Path) -> None:
    trace = await measure_in_two_branches(tmp_path)
    assert measurements(trace) == ["measure beeps", "measure flashes"]
    (call,) = (span for span in trace.spans_of_type("TOOL") if span.name == "sound_offset")
    assert call.attributes["flight_recorder.measurement.shared"] == ["flashes"]
    assert "  shares flashes\n" in render_outline(trace)


async def test_different_parts_are_measured_separately(tmp_path: Path) -> None:
    trace = await measure_in_two_branches(tmp_path, from_s=1.0)
    assert measurements(trace) == ["measure beeps", "measure flashes", "measure flashes"]


async def test_a_subclass_can_decide_which_measurements_are_shared(tmp_path: Path) -> None:
    class SharesNothing(QuickVerification):
        def measurement_key(self, agent: str, name: str, from_s: float, to_s: float) -> Hashable:
            return agent, name, from_s, to_s

    trace = await measure_in_two_branches(tmp_path, workflow=SharesNothing)
    assert measurements(trace) == ["measure beeps", "measure flashes", "measure flashes"]


async def test_simultaneous_requests_share_a_measurement(tmp_path: Path) -> None:
    both = tool_calls_line("video", ("flashes", {}), ("flashes", {}))
    _, trace = await run_verification(tmp_path, both, *silence_lines(*SPECIALISTS), verdict_line())
    assert measurements(trace) == ["measure flashes"]
    assert tool_results(trace, "flashes") == 2 * [{"flashes": [0.8, 1.8, 3.08], "unit": "s"}]


TWO_FINDINGS = (
    tool_calls_line("video", ("flashes", {})),
    finding_line("video", "flashes at 0.8 s, 1.8 s and 3.08 s"),
    tool_calls_line("audio", ("beeps", {})),
    finding_line("audio", "beeps at 0.8 s, 1.8 s and 3.08 s"),
    *silence_lines(*SPECIALISTS),
    tool_calls_line("verdict", ("recall_findings", {})),
    verdict_line(),
)


async def test_a_finding_is_added_to_the_findings_of_other_agents(tmp_path: Path) -> None:
    faults = [slow("audio", 2, delay_s=0.5)]
    _, trace = await run_verification(tmp_path, *TWO_FINDINGS, faults=faults)
    (recalled,) = tool_results(trace, "recall_findings")
    assert recalled["findings"] == [
        "[video] flashes at 0.8 s, 1.8 s and 3.08 s",
        "[audio] beeps at 0.8 s, 1.8 s and 3.08 s",
    ]
    assert trace.root.attributes["flight_recorder.state.concurrent_write_count"] == 0
    assert trace.root.attributes["flight_recorder.state.ungrounded_write_count"] == 0


async def test_a_write_without_a_read_is_counted_as_concurrent(tmp_path: Path) -> None:
    class Overwrites(QuickVerification):
        async def note_finding(self, tools: MediaTools, author: str, finding: Finding) -> str:
            text = f"[{author}] {finding}"
            return tools.acknowledge_finding(
                finding, tools.state.write("findings", text, author=author)
            )

    faults = [slow("audio", 2, delay_s=0.5)]
    _, trace = await run_verification(tmp_path, *TWO_FINDINGS, workflow=Overwrites, faults=faults)
    (recalled,) = tool_results(trace, "recall_findings")
    assert recalled == {"findings": "[audio] beeps at 0.8 s, 1.8 s and 3.08 s"}
    assert trace.root.attributes["flight_recorder.state.concurrent_write_count"] == 1


async def test_no_finding_is_lost_if_each_agent_has_its_own_key(tmp_path: Path) -> None:
    class WritesToItsOwnKey(QuickVerification):
        async def note_finding(self, tools: MediaTools, author: str, finding: Finding) -> str:
            return tools.acknowledge_finding(
                finding, tools.state.write(author, finding, author=author)
            )

    _, trace = await run_verification(tmp_path, *TWO_FINDINGS, workflow=WritesToItsOwnKey)
    (recalled,) = tool_results(trace, "recall_findings")
    assert [*recalled] == ["audio", "video"]
    assert trace.root.attributes["flight_recorder.state.concurrent_write_count"] == 0


async def test_the_prompt_of_the_verdict_does_not_depend_on_which_branch_was_faster(
    tmp_path: Path,
) -> None:
    prompt = r"(?s)user: Is it whole\?.*audio has nothing.*sync has nothing.*video has nothing"
    lines = (*silence_lines(*SPECIALISTS), line_when(verdict_line(), prompt))
    _, trace = await run_verification(tmp_path, *lines, faults=[slow("audio", delay_s=0.5)])
    scores = [
        span.attributes["flight_recorder.handoff.efficiency_score"]
        for span in trace.spans_of_type("HANDOFF")
    ]
    assert scores == [1.0, 1.0, 1.0]


async def test_a_message_that_the_verdict_is_not_given_is_a_withheld_handoff(
    tmp_path: Path,
) -> None:
    class ReadsTheLastTwo(QuickVerification):
        def select_for_verdict(
            self, messages: Sequence[BaseChatMessage]
        ) -> Sequence[BaseChatMessage]:
            return messages[-2:]

    faults = [slow("audio", delay_s=0.5), slow("sync", delay_s=1.0)]
    lines = (*silence_lines(*SPECIALISTS), verdict_line())
    _, trace = await run_verification(tmp_path, *lines, workflow=ReadsTheLastTwo, faults=faults)
    withheld = {
        span.name: span.attributes["flight_recorder.handoff.withheld"]
        for span in trace.spans_of_type("HANDOFF")
    }
    assert withheld == {
        "video → verdict": True,
        "audio → verdict": False,
        "sync → verdict": False,
    }


def lookup_lines(*lines: Any) -> tuple[Any, ...]:
    """A tape on which video looks the clip up in the archive, which answers with these lines."""
    ends = (*silence_lines(*SPECIALISTS), verdict_line())
    return (tool_calls_line("video", ("archive_matches", {})), *lines, *ends)


async def test_a_slow_archive_is_polled_for_as_long_as_it_makes_progress(tmp_path: Path) -> None:
    steps = [archive_lookup_line("running", n) for n in range(1, 12)]
    lines = lookup_lines(
        archive_lookup_line("running", 0, first=True), *steps, archive_lookup_line("done", 4096)
    )
    _, trace = await run_verification(tmp_path, *lines)
    (call,) = trace.spans_of_type("TOOL")
    assert call.outputs["state"] == "done"
    assert call.attributes["flight_recorder.lookup.poll_count"] == 13
    assert call.attributes["flight_recorder.lookup.unchanged_poll_count"] == 0


async def test_an_archive_without_progress_is_an_error_of_the_tool(tmp_path: Path) -> None:
    lines = lookup_lines(
        archive_lookup_line("running", 7, first=True),
        *(archive_lookup_line("running", 7) for _ in range(5)),
    )
    _, trace = await run_verification(tmp_path, *lines)
    (call,) = trace.spans_of_type("TOOL")
    assert call.failed
    assert "has looked through 7 of 4096 clips, and said the same 6 times" in call.status_message


async def test_an_archive_that_goes_back_and_forth_is_an_error_of_the_tool(tmp_path: Path) -> None:
    steps = (archive_lookup_line("running", 7 - n % 2) for n in range(1, 6))
    lines = lookup_lines(archive_lookup_line("running", 7, first=True), *steps)
    _, trace = await run_verification(tmp_path, *lines)
    (call,) = trace.spans_of_type("TOOL")
    assert "has looked through 7 of 4096 clips" in call.status_message


async def test_a_second_call_polls_the_same_lookup(tmp_path: Path) -> None:
    class PollsOnce(QuickVerification):
        async def archive_matches(self, tools: MediaTools) -> str:
            progress = await tools.lookup.poll()
            return tools.record_result("archive_matches", progress.model_dump())

    two_calls = 2 * [tool_calls_line("video", ("archive_matches", {}))]
    replies = archive_lookup_line("running", 7, first=True), archive_lookup_line("running", 7)
    lines = (*two_calls, *replies, *silence_lines(*SPECIALISTS), verdict_line())
    _, trace = await run_verification(tmp_path, *lines, workflow=PollsOnce)
    unchanged = [
        span.attributes["flight_recorder.lookup.unchanged_poll_count"]
        for span in trace.spans_of_type("TOOL")
    ]
    assert unchanged == [0, 1]
    assert render_outline(trace).count("  1 poll without progress\n") == 1
    assert not any(span.failed for span in trace)


async def test_simultaneous_calls_start_one_lookup(tmp_path: Path) -> None:
    both = tool_calls_line("video", ("archive_matches", {}), ("archive_matches", {}))
    replies = archive_lookup_line("done", 4096, first=True), archive_lookup_line("done", 4096)
    lines = (both, *replies, *silence_lines(*SPECIALISTS), verdict_line())
    _, trace = await run_verification(tmp_path, *lines)
    assert [result["state"] for result in tool_results(trace, "archive_matches")] == 2 * ["done"]


async def test_an_unavailable_archive_is_an_error_of_the_tool(tmp_path: Path) -> None:
    again = tool_calls_line("video", ("archive_matches", {}))
    lines = lookup_lines(again, archive_lookup_line("done", 4096, first=True))
    _, trace = await run_verification(tmp_path, *lines, faults=[unavailable("archive")])
    refused, answered = trace.spans_of_type("TOOL")
    assert "the archive answered HTTP 503" in refused.status_message
    assert answered.outputs["state"] == "done"
    assert [span.name for span in refused] == ["archive_matches", "HTTP 503"]


async def test_a_specialist_out_of_tool_rounds_answers_with_what_it_has(tmp_path: Path) -> None:
    class TwoToolRounds(QuickVerification):
        max_tool_rounds = 2

    calls_of_flashes = [tool_calls_line("video", ("flashes", {})) for _ in range(2)]
    lines = (*calls_of_flashes, *silence_lines(*SPECIALISTS), verdict_line())
    result, trace = await run_verification(tmp_path, *lines, workflow=TwoToolRounds)
    assert result.outcome == "authentic"
    assert len(tool_results(trace, "flashes")) == 2


async def test_the_trace_does_not_contain_the_api_key(tmp_path: Path) -> None:
    _, trace = await run_verification(tmp_path, *silence_lines(*SPECIALISTS), verdict_line())
    assert API_KEY not in repr(trace)


@pytest.mark.timeout(20)
async def test_a_run_can_be_cancelled_while_a_tool_is_running(tmp_path: Path) -> None:
    is_running = asyncio.Event()

    class NeverReturns(QuickVerification):
        async def archive_matches(self, tools: MediaTools) -> str:
            is_running.set()
            await asyncio.sleep(3600)
            return ""

    with replay_lines(tmp_path, *lookup_lines()) as replay, record_run() as run:
        model = Model("taped", replay.base_url, API_KEY)
        running = asyncio.ensure_future(NeverReturns(model, clip=make_clip()).run("Is it?"))
        await is_running.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    (call,) = load_trace(run).spans_of_type("TOOL")
    assert call.failed
