"""A healthy verification: three agents measure a clip at once, note findings, and are all cited.

The clip was altered, and every agent says so. The run itself has no fault, and a diagnosis must
find none. Sync needs the flashes and the beeps, and shares the measurements of video and audio.
"""

from scenarios import expectations as expect
from scenarios.replay.faults import waits_for_lanes
from scenarios.scenario import Scenario, Variant, integer_between, number_between
from workflows.support.media.clip import Clip
from workflows.support.media.synthetic_clip import make_clip


def altered(duplicated: int, splice_s: float, late_ms: int) -> Clip:
    """A clip with duplicated frames, a cut in its sound, and its sound late."""
    frames = range(52, 52 + duplicated)
    return make_clip(duplicated=frames, splice_s=splice_s, sound_late_ms=late_ms)


SCENARIO = Scenario(
    workflow="workflows.graphflow_media:MediaVerification",
    task="Was this clip altered?",
    inputs={
        "duplicated": integer_between(2, 9, published=3),
        "splice_s": number_between(2.35, 2.85, published=2.46, places=2),
        "late_ms": integer_between(61, 290, published=120),
    },
    arguments={"clip": altered},
    services=("archive",),
    faults=(
        waits_for_lanes("audio", call=2, until_calls={"video": 3}),
        waits_for_lanes("sync", call=1, until_calls={"video": 2, "audio": 2}),
        waits_for_lanes("sync", call=2, until_calls={"audio": 3}),
    ),
    twin=Variant("PollsOften"),
    expect_twin=(
        expect.reaches_outcome("altered"),
        expect.works_concurrently("video", "audio", "sync"),
        expect.hands_off("video", "verdict"),
        expect.hands_off("audio", "verdict"),
        expect.hands_off("sync", "verdict"),
        expect.calls_tool("video", "archive_matches", times=1, returning='"state": "done"'),
        expect.calls_tool(
            "verdict", "recall_findings", times=1, returning=r"\[video\].*\[audio\].*\[sync\]"
        ),
        expect.repeats_tool_figures("splice", called_by="audio", stated_by=("verdict",)),
        expect.repeats_tool_figures("sound_offset", called_by="sync", stated_by=("verdict",)),
        expect.output_contains(r'"cites": \["audio", "sync", "video"\]'),
        expect.has_root_attribute("flight_recorder.state.ungrounded_write_count", 0),
        expect.has_root_attribute("flight_recorder.state.concurrent_write_count", 0),
    ),
)
