"""A lookup reports "running" again and again, and its empty list of matches is taken for a result.

The archive has stopped, but does not say so. The tool waits for a while, and then returns the last
answer without an error. Video asks again, and finally reports that no match was named. No span is
an error. Look at video's calls of the archive: their answers are the same, to the last clip.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, integer_between, one_of
from workflows.support.media.clip import Clip
from workflows.support.media.synthetic_clip import make_clip


def authentic(scene: int, **_: int | str) -> Clip:
    """A clip without alterations."""
    return make_clip(scene=scene)


SCENARIO = Scenario(
    failure_mode="silent stall",
    source="practitioners' reports",
    workflow="workflows.graphflow_media:MediaVerification",
    task=(
        "Is this clip authentic? That it was not taken from a clip of the archive is part of it."
        " Say what you find; nothing has to be noted."
    ),
    inputs={
        "scene": integer_between(0, 40, published=0),
        "lookup": one_of("2207-a"),
        "through": integer_between(100, 900, published=412),
        "second": integer_between(1000, 1400, published=1203),
        "third": integer_between(1500, 1900, published=1688),
        "fourth": integer_between(2000, 2400, published=2310),
        "fifth": integer_between(2500, 2900, published=2754),
        "clips": integer_between(3000, 5000, published=4096),
    },
    services=("archive",),
    arguments={"clip": authentic},
    broken=Variant("ReturnsUnfinishedLookups"),
    fixed=Variant("PollsOften"),
    twin=Variant("ReturnsUnfinishedLookups").about(lookup=one_of("2207-b")),
    expect_broken=(
        expect.reaches_outcome("authentic"),
        expect.has_no_errors(),
        expect.polls_without_progress("video", "archive_matches", times=3),
        expect.hands_off("video", "verdict"),
        expect.output_contains(
            r"\[video\] The archive was asked three times, and has named no clip"
        ),
    ),
    expect_fixed=(
        expect.reaches_outcome("unclear"),
        expect.tool_call_fails("video", "archive_matches", times=1, message="as unfinished"),
        expect.hands_off("video", "verdict"),
        expect.output_contains(
            r"\[video\] The lookup in the archive is unfinished: it stopped after \d+ of"
        ),
    ),
    expect_twin=(
        expect.reaches_outcome("authentic"),
        expect.has_no_errors(),
        expect.polls_with_progress("video", "archive_matches", times=3),
        expect.hands_off("video", "verdict"),
        expect.output_contains(r"\[video\] Of the \d+ clips of the archive none is like this one"),
    ),
    origin=FailureOrigin("video", "archive_matches"),
)
