"""Two parallel branches make the same measurements, because neither knows of the other.

Sync needs the flashes that video measures, and the beeps that audio measures, of the same part of
the clip. The answer is right and no span is an error, but half of the work was done twice. Look at
the measurements inside sync's tool call, and at those of the same name in the other branches.
"""

from scenarios import expectations as expect
from scenarios.replay.faults import waits_for_lanes
from scenarios.scenario import FailureOrigin, Scenario, Variant, integer_between, one_of
from workflows.support.media.clip import Clip
from workflows.support.media.synthetic_clip import make_clip


def late(late_ms: int, **_: str) -> Clip:
    """A clip whose sound is late."""
    return make_clip(sound_late_ms=late_ms)


SAME_ANSWER = r"\[sync\] The sound is \d+ ms late"

SCENARIO = Scenario(
    failure_mode="FM-1.3 step repetition",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_media:MediaVerification",
    task=(
        "Is the sound of this clip in time with its picture? Picture and sound, each by itself,"
        " ${alone}; both together, ${together}. Say what you find; nothing has to be noted."
    ),
    inputs={
        "alone": one_of("from 0 s to 4 s"),
        "together": one_of("from 0 s to 4 s"),
        "late_ms": integer_between(40, 190, published=120),
    },
    arguments={"clip": late},
    faults=(waits_for_lanes("sync", until_calls={"video": 2, "audio": 2}),),
    broken=Variant("SharesNoMeasurements"),
    twin=Variant("SharesNoMeasurements").about(
        alone=one_of("from 0 s to 2.2 s"), together=one_of("from 2.2 s to 4 s")
    ),
    expect_broken=(
        expect.reaches_outcome("altered"),
        expect.works_concurrently("video", "audio", "sync"),
        expect.duplicates_measurement("flashes", agents=("video", "sync")),
        expect.duplicates_measurement("beeps", agents=("audio", "sync")),
        expect.output_contains(SAME_ANSWER),
    ),
    expect_fixed=(
        expect.reaches_outcome("altered"),
        expect.works_concurrently("video", "audio", "sync"),
        expect.shares_measurement("flashes", reused_by="sync", made_by="video"),
        expect.shares_measurement("beeps", reused_by="sync", made_by="audio"),
        expect.output_contains(SAME_ANSWER),
    ),
    expect_twin=(
        expect.reaches_outcome("altered"),
        expect.works_concurrently("video", "audio", "sync"),
        expect.measures_different_parts("flashes", agents=("video", "sync")),
        expect.measures_different_parts("beeps", agents=("audio", "sync")),
        expect.output_contains(SAME_ANSWER),
    ),
    origin=FailureOrigin("sync", "measure flashes"),
)
