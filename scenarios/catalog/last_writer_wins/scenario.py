"""Three agents write the same key of the shared state; the last write wins.

Video and audio have found the alterations of the clip, and noted them. Sync, the slowest, has found
no fault, and noted that under the same key. The verdict reads the notes and calls the clip
authentic. Look at the three writes to the key: each succeeds, and the last one replaces two that
sync never read.
"""

from scenarios import expectations as expect
from scenarios.replay.faults import waits_for_lanes
from scenarios.scenario import FailureOrigin, Scenario, Variant, integer_between, number_between
from workflows.support.media.clip import Clip
from workflows.support.media.synthetic_clip import make_clip


def altered(duplicated: int, splice_s: float) -> Clip:
    """A clip with duplicated frames and a cut in its sound, which is in time with the picture."""
    return make_clip(duplicated=range(52, 52 + duplicated), splice_s=splice_s)


ALL_HAND_OFF = (
    expect.hands_off("video", "verdict"),
    expect.hands_off("audio", "verdict"),
    expect.hands_off("sync", "verdict"),
)

ALL_IS_KEPT = (
    expect.reaches_outcome("altered"),
    *ALL_HAND_OFF,
    expect.preserves_writes("video", "audio", "sync"),
    expect.has_root_attribute("flight_recorder.state.concurrent_write_count", 0),
    expect.output_contains(r'"cites": \["audio", "sync", "video"\]'),
)

SCENARIO = Scenario(
    failure_mode="concurrent write",
    source="practitioners' reports",
    workflow="workflows.graphflow_media:MediaVerification",
    task="Was this clip altered? What you find belongs in the notes, and not in what you say.",
    inputs={
        "duplicated": integer_between(2, 9, published=3),
        "splice_s": number_between(2.35, 2.85, published=2.46, places=2),
    },
    arguments={"clip": altered},
    faults=(
        waits_for_lanes("audio", call=2, until_calls={"video": 3}),
        waits_for_lanes("sync", call=2, until_calls={"audio": 3}),
    ),
    broken=Variant("OverwritesFindings"),
    twin=Variant("WritesToItsOwnKey"),
    expect_broken=(
        expect.reaches_outcome("authentic"),
        *ALL_HAND_OFF,
        expect.overwrites_unread("sync", "findings", written_by=("video", "audio")),
        expect.has_root_attribute("flight_recorder.state.concurrent_write_count", 2),
        expect.has_root_attribute("flight_recorder.state.ungrounded_write_count", 0),
        expect.output_contains(r'"cites": \["sync"\]'),
    ),
    expect_fixed=ALL_IS_KEPT,
    expect_twin=ALL_IS_KEPT,
    origin=FailureOrigin("sync", "write findings"),
)
