"""What is amiss with a scenario as a whole, though each of its variants were as it should be."""

from collections.abc import Iterator, Sequence

from scenarios.player.scenario_loader import Folder
from scenarios.player.verdict import Seen, judged
from scenarios.reports.origin_marker import found
from scenarios.scenario import Scenario
from scenarios.tape.tape import Tape


def amiss(scenario: Scenario, seen: Sequence[Seen], tape: Tape, place: Folder) -> Iterator[str]:
    """A sentence for each: a mistake that is none, lines left over, an origin that is not there."""
    yield from _unbroken(scenario, seen)
    yield from _unplayed(tape, seen, place)
    yield from _unmarked(scenario, seen)


def _unbroken(scenario: Scenario, seen: Sequence[Seen]) -> Iterator[str]:
    for broken in (one.trace for one in seen if one.variant == "broken" and one.trace):
        held = [judgement.held for judgement in judged(broken, scenario.expect_fixed)]
        if held and all(held):
            yield (
                "broken is no longer broken: all that is expected of fixed holds of it, too;"
                " see on its page whether what it is given is still a mistake"
            )


def _unplayed(tape: Tape, seen: Sequence[Seen], place: Folder) -> Iterator[str]:
    played = frozenset().union(*(variant.played for variant in seen))
    for line in tape.lines:
        if line.number not in played:
            yield f"{place.tape.name}:{line.number}: no variant plays this line of {line.lane}"


def _unmarked(scenario: Scenario, seen: Sequence[Seen]) -> Iterator[str]:
    origin = scenario.origin
    for broken in (one.trace for one in seen if one.variant == "broken" and one.trace):
        if origin and found(broken, origin) is None:
            yield f"the origin names no span of the broken trace: {origin.span!r} of {origin.agent}"
