"""A lookup says that it is running, again and again, and its silence is taken for an answer.

The archive has stopped, and does not say so. The tool waits for a while, and then returns what the
archive said last, without an error; video asks again, and at last reports that no match was named.
Nothing is red anywhere. Look at video's calls of the archive: they say the same, to the last clip.
"""

import asyncio
from typing import TYPE_CHECKING

from scenarios.expectations import concludes, ends, hands_off, output_keeps
from scenarios.expectations.media import fails_nowhere, gets_on, waits_in_silence
from scenarios.expectations.tools import fails_to_call
from scenarios.inputs import one_of, whole
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from workflows.clip import Clip
    from workflows.lookup import Ask, Lookup


async def until_time_is_up(ask: "Ask", every_s: float) -> "Lookup":
    """The mistake: that the time is up is no error, and what was said last is the result."""
    lookup = await ask()
    await asyncio.sleep(every_s)
    return lookup if lookup.state == "done" else await ask()


def authentic(scene: int, **_: int | str) -> "Clip":
    """A clip to which nothing was done."""
    from workflows.clip_made import made

    return made(scene=scene)


SCENARIO = Scenario(
    mode="silent stall",
    source="practitioners' reports",
    workflow="workflows.graphflow_media:verify",
    task=(
        "Is this clip authentic? That it was not taken from a clip of the archive is part of it."
        " Say what you find; nothing has to be noted."
    ),
    inputs={
        "scene": whole(0, 40, published=0),
        "lookup": one_of("2207-a"),
        "through": whole(100, 900, published=412),
        "second": whole(1000, 1400, published=1203),
        "third": whole(1500, 1900, published=1688),
        "fourth": whole(2000, 2400, published=2310),
        "fifth": whole(2500, 2900, published=2754),
        "clips": whole(3000, 5000, published=4096),
    },
    services=("archive",),
    props={"clip": authentic},
    broken=given(waits=until_time_is_up, poll_every_s=0.01),
    fixed=given(poll_every_s=0.01),
    twin=given(waits=until_time_is_up, poll_every_s=0.01).about(lookup=one_of("2207-b")),
    expect_broken=(
        ends("OK"),
        concludes("authentic"),
        fails_nowhere(),
        waits_in_silence("video", "archive_matches", times=3),
        hands_off("video", "verdict"),
        output_keeps(r"\[video\] The archive was asked three times, and has named no clip"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("unclear"),
        fails_to_call("video", "archive_matches", times=1, saying="as unfinished"),
        hands_off("video", "verdict"),
        output_keeps(r"\[video\] The lookup in the archive is unfinished: it stopped after \d+ of"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("authentic"),
        fails_nowhere(),
        gets_on("video", "archive_matches", times=3),
        hands_off("video", "verdict"),
        output_keeps(r"\[video\] Of the \d+ clips of the archive none is like this one"),
    ),
    origin=Origin("video", "archive_matches"),
)
