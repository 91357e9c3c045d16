"""A healthy verification: three measure a clip at once, note what they find, and are all cited.

The clip was altered, and everyone says so; of the run there is nothing to find, and whatever looks
for a failure must find nothing. Sync needs the flashes and the beeps, and shares the measurements
that video and audio have made.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import concludes, ends, hands_off, output_keeps
from scenarios.expectations.concurrency import works_alongside
from scenarios.expectations.figures import measures, repeats
from scenarios.expectations.tools import calls
from scenarios.inputs import between, whole
from scenarios.replay.faults import held
from scenarios.scenario import Scenario, given

if TYPE_CHECKING:
    from workflows.clip import Clip


def altered(duplicated: int, splice_s: float, late_ms: int) -> "Clip":
    """A clip with so many duplicated frames, a cut in its sound, and its sound late."""
    from workflows.clip_made import made

    frames = range(52, 52 + duplicated)
    return made(duplicated=frames, splice_s=splice_s, sound_late_ms=late_ms)


SCENARIO = Scenario(
    mode="none",
    source="none",
    workflow="workflows.graphflow_media:verify",
    task="Was this clip altered?",
    inputs={
        "duplicated": whole(2, 9, published=3),
        "splice_s": between(2.35, 2.85, published=2.46, places=2),
        "late_ms": whole(61, 290, published=120),
    },
    props={"clip": altered},
    services=("archive",),
    faults=(
        held("audio", call=2, until={"video": 3}),
        held("sync", call=1, until={"video": 2, "audio": 2}),
        held("sync", call=2, until={"audio": 3}),
    ),
    twin=given(poll_every_s=0.01),
    expect_twin=(
        ends("OK"),
        concludes("altered"),
        works_alongside("video", "audio", "sync"),
        hands_off("video", "verdict"),
        hands_off("audio", "verdict"),
        hands_off("sync", "verdict"),
        calls("video", "archive_matches", times=1, answered='"state": "done"'),
        calls("verdict", "recall_findings", times=1, answered=r"\[video\].*\[audio\].*\[sync\]"),
        repeats("splice", of="audio", by=("verdict",)),
        repeats("sound_offset", of="sync", by=("verdict",)),
        output_keeps(r'"cites": \["audio", "sync", "video"\]'),
        measures("state.ungrounded_write_count", 0),
        measures("state.concurrent_write_count", 0),
    ),
)
