"""Three write to one slot, each over the other, and what is read is what the last one wrote.

Video and audio have found what was done to the clip, and noted it; sync, the slowest, has found no
fault, and noted that in the same place. The verdict reads the notes and calls the clip authentic.
Look at the three writes to the slot: each succeeds, and the last is over two that sync never read.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import concludes, ends, hands_off, output_keeps
from scenarios.expectations.figures import measures
from scenarios.expectations.shared_state import keeps_notes, overwrites
from scenarios.inputs import between, whole
from scenarios.replay.faults import held
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from instrumentation.state.shared_state import Entry, SharedState
    from workflows.clip import Clip


def over_the_last(state: "SharedState", author: str, finding: str) -> "Entry":
    """The mistake: one slot for all, written without a look at what stands there."""
    return state.write("findings", finding, author=author)


def in_its_own_slot(state: "SharedState", author: str, finding: str) -> "Entry":
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
    mode="concurrent write",
    source="practitioners' reports",
    workflow="workflows.graphflow_media:verify",
    task="Was this clip altered? What you find belongs in the notes, and not in what you say.",
    inputs={
        "duplicated": whole(2, 9, published=3),
        "splice_s": between(2.35, 2.85, published=2.46, places=2),
    },
    props={"clip": altered},
    faults=(held("audio", call=2, until={"video": 3}), held("sync", call=2, until={"audio": 3})),
    broken=given(notes=over_the_last),
    fixed=given(),
    twin=given(notes=in_its_own_slot),
    expect_broken=(
        ends("OK"),
        concludes("authentic"),
        *ALL_THREE_SPOKE,
        overwrites("sync", "findings", of=("video", "audio")),
        measures("state.concurrent_write_count", 2),
        measures("state.ungrounded_write_count", 0),
        output_keeps(r'"cites": \["sync"\]'),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("altered"),
        *ALL_THREE_SPOKE,
        keeps_notes("video", "audio", "sync"),
        measures("state.concurrent_write_count", 0),
        output_keeps(r'"cites": \["audio", "sync", "video"\]'),
    ),
    expect_twin=(
        ends("OK"),
        concludes("altered"),
        *ALL_THREE_SPOKE,
        keeps_notes("video", "audio", "sync"),
        measures("state.concurrent_write_count", 0),
        output_keeps(r'"cites": \["audio", "sync", "video"\]'),
    ),
    origin=Origin("sync", "write findings"),
)
