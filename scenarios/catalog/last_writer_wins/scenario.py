"""Three write to one slot, each over the other, and what is read is what the last one wrote.

Video and audio have found what was done to the clip, and noted it; sync, the slowest, has found no
fault, and noted that in the same place. The verdict reads the notes and calls the clip authentic.
Look at the three writes to the slot: each succeeds, and the last is over two that sync never read.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import (
    ends_with_status,
    hands_off,
    has_root_attribute,
    output_contains,
    overwrites_unread,
    preserves_writes,
    reaches_outcome,
)
from scenarios.inputs import integer_between, number_between
from scenarios.replay.faults import waits_for_lanes
from scenarios.scenario import Origin, Scenario, variant_with

if TYPE_CHECKING:
    from instrumentation.state.shared_state import SharedState, StateEntry
    from workflows.clip import Clip


def over_the_last(state: "SharedState", author: str, finding: str) -> "StateEntry":
    """The mistake: one slot for all, written without a look at what stands there."""
    return state.write("findings", finding, author=author)


def in_its_own_slot(state: "SharedState", author: str, finding: str) -> "StateEntry":
    """As blind a write, and nobody else writes there."""
    return state.write(author, finding, author=author)


def altered(duplicated: int, splice_s: float) -> "Clip":
    """A clip with so many duplicated frames and a cut in its sound, which is in time."""
    from workflows.clip_made import made

    return made(duplicated=range(52, 52 + duplicated), splice_s=splice_s)


ALL_THREE_SPOKE = (
    hands_off("video", "verdict"),
    hands_off("audio", "verdict"),
    hands_off("sync", "verdict"),
)

SCENARIO = Scenario(
    failure_mode="concurrent write",
    source="practitioners' reports",
    workflow="workflows.graphflow_media:verify",
    task="Was this clip altered? What you find belongs in the notes, and not in what you say.",
    inputs={
        "duplicated": integer_between(2, 9, published=3),
        "splice_s": number_between(2.35, 2.85, published=2.46, places=2),
    },
    props={"clip": altered},
    faults=(
        waits_for_lanes("audio", call=2, until_calls={"video": 3}),
        waits_for_lanes("sync", call=2, until_calls={"audio": 3}),
    ),
    broken=variant_with(notes=over_the_last),
    fixed=variant_with(),
    twin=variant_with(notes=in_its_own_slot),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("authentic"),
        *ALL_THREE_SPOKE,
        overwrites_unread("sync", "findings", written_by=("video", "audio")),
        has_root_attribute("flight_recorder.state.concurrent_write_count", 2),
        has_root_attribute("flight_recorder.state.ungrounded_write_count", 0),
        output_contains(r'"cites": \["sync"\]'),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("altered"),
        *ALL_THREE_SPOKE,
        preserves_writes("video", "audio", "sync"),
        has_root_attribute("flight_recorder.state.concurrent_write_count", 0),
        output_contains(r'"cites": \["audio", "sync", "video"\]'),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("altered"),
        *ALL_THREE_SPOKE,
        preserves_writes("video", "audio", "sync"),
        has_root_attribute("flight_recorder.state.concurrent_write_count", 0),
        output_contains(r'"cites": \["audio", "sync", "video"\]'),
    ),
    origin=Origin("sync", "write findings"),
)
