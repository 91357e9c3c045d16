"""Two branches of a fan-out measure the same, since neither knows that the other does.

Sync needs the flashes that video looks for, and the beeps that audio listens for, of the same part
of the clip. The answer is right, everything is green, and half of the work was for nothing. Look at
the measurements inside sync's tool call, and at those of the same name in the other branches.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import concludes, ends, output_keeps
from scenarios.expectations.concurrency import works_alongside
from scenarios.expectations.media import fetches_again, fetches_each, shares
from scenarios.inputs import one_of, whole
from scenarios.replay.faults import held
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from collections.abc import Hashable

    from workflows.clip import Clip
    from workflows.measured import Asked


def each_for_itself(asked: "Asked") -> "Hashable":
    """The mistake: what was measured is kept for the agent that asked, and for nobody else."""
    return asked


def late(late_ms: int, **_: str) -> "Clip":
    """A clip whose sound comes so many milliseconds after its picture."""
    from workflows.clip_made import made

    return made(sound_late_ms=late_ms)


THE_SAME_ANSWER = r"\[sync\] The sound is \d+ ms late"

SCENARIO = Scenario(
    mode="FM-1.3 step repetition",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_media:verify",
    task=(
        "Is the sound of this clip in time with its picture? Picture and sound, each by itself,"
        " ${alone}; both together, ${together}. Say what you find; nothing has to be noted."
    ),
    inputs={
        "alone": one_of("from 0 s to 4 s"),
        "together": one_of("from 0 s to 4 s"),
        "late_ms": whole(40, 190, published=120),
    },
    props={"clip": late},
    faults=(held("sync", until={"video": 2, "audio": 2}),),
    broken=given(measures=each_for_itself),
    fixed=given(),
    twin=given(measures=each_for_itself).about(
        alone=one_of("from 0 s to 2.2 s"), together=one_of("from 2.2 s to 4 s")
    ),
    expect_broken=(
        ends("OK"),
        concludes("altered"),
        works_alongside("video", "audio", "sync"),
        fetches_again("flashes", by=("video", "sync")),
        fetches_again("beeps", by=("audio", "sync")),
        output_keeps(THE_SAME_ANSWER),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("altered"),
        works_alongside("video", "audio", "sync"),
        shares("flashes", by="sync", of="video"),
        shares("beeps", by="sync", of="audio"),
        output_keeps(THE_SAME_ANSWER),
    ),
    expect_twin=(
        ends("OK"),
        concludes("altered"),
        works_alongside("video", "audio", "sync"),
        fetches_each("flashes", by=("video", "sync")),
        fetches_each("beeps", by=("audio", "sync")),
        output_keeps(THE_SAME_ANSWER),
    ),
    origin=Origin("sync", "measure flashes"),
)
