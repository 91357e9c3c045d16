"""Three branches join, but the verdict is given only the last two.

Audio was the fastest branch, and the only one that found the alteration. The verdict must not judge
if a finding is missing, so it calls the clip unclear, although the cut was found and reported. Look
at the three handoffs before its turn: nothing of audio's finding arrives.
"""

from scenarios import expectations as expect
from scenarios.replay.faults import waits_for_lanes
from scenarios.scenario import (
    FailureOrigin,
    Scenario,
    Variant,
    integer_between,
    number_between,
    one_of,
)
from workflows.support.media.clip import Clip
from workflows.support.media.synthetic_clip import make_clip


def altered(duplicated: int, splice_s: float) -> Clip:
    """A clip with so many duplicated frames, and a cut in its sound unless `splice_s` is 0."""
    return make_clip(duplicated=range(52, 52 + duplicated), splice_s=splice_s or None)


ALL_ARRIVES = (
    expect.reaches_outcome("altered"),
    expect.hands_off("audio", "verdict"),
    expect.hands_off("video", "verdict"),
    expect.hands_off("sync", "verdict"),
)

SCENARIO = Scenario(
    failure_mode="FM-1.4 loss of conversation history",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.graphflow_media:MediaVerification",
    task="Was this clip altered? Say what you find; nothing has to be noted.",
    inputs={
        "duplicated": one_of(0),
        "splice_s": number_between(2.35, 2.85, published=2.46, places=2),
    },
    arguments={"clip": altered},
    faults=(
        waits_for_lanes("video", call=2, until_calls={"audio": 2}, delay_s=0.8),
        waits_for_lanes("sync", call=2, until_calls={"audio": 2}, delay_s=0.8),
    ),
    broken=Variant("ReadsTheLastTwo"),
    twin=Variant().about(duplicated=integer_between(2, 9, published=3), splice_s=one_of(0)),
    expect_broken=(
        expect.reaches_outcome("unclear"),
        expect.loses_handoff("audio", "verdict"),
        expect.hands_off("video", "verdict"),
        expect.hands_off("sync", "verdict"),
        expect.output_contains(r'"cites": \["sync", "video"\]'),
        expect.output_lacks("was cut"),
    ),
    expect_fixed=(
        *ALL_ARRIVES,
        expect.output_contains(r"\[audio\] The hum beneath the sound was cut at [\d.]+ s"),
    ),
    expect_twin=(
        *ALL_ARRIVES,
        expect.states_figures("audio", at_most=0),
        expect.output_contains(r"\[audio\] No cut"),
    ),
    origin=FailureOrigin("verdict", "audio → verdict"),
)
