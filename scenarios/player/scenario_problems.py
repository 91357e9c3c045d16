"""What is amiss with a scenario as a whole, though each of its variants were as it should be."""

from collections.abc import Iterator, Sequence

from scenarios.player.scenario_loader import ScenarioFolder
from scenarios.player.verdict import VariantResult, evaluate
from scenarios.reports.origin_marker import find_origin_span
from scenarios.scenario import Scenario
from scenarios.tape.tape import Tape


def find_scenario_problems(
    scenario: Scenario, results: Sequence[VariantResult], tape: Tape, folder: ScenarioFolder
) -> Iterator[str]:
    """A sentence for each: a mistake that is none, lines left over, an origin that is not there."""
    yield from _check_broken_fails(scenario, results)
    yield from _check_tape_is_used(tape, results, folder)
    yield from _check_origin_exists(scenario, results)


def _check_broken_fails(scenario: Scenario, results: Sequence[VariantResult]) -> Iterator[str]:
    for broken in (one.trace for one in results if one.variant == "broken" and one.trace):
        held = [judgement.passed for judgement in evaluate(broken, scenario.expect_fixed)]
        if held and all(held):
            yield (
                "broken is no longer broken: all that is expected of fixed holds of it, too;"
                " see on its page whether what it is given is still a mistake"
            )


def _check_tape_is_used(
    tape: Tape, results: Sequence[VariantResult], folder: ScenarioFolder
) -> Iterator[str]:
    played = frozenset().union(*(variant.used_lines for variant in results))
    for line in tape.lines:
        if line.number not in played:
            yield f"{folder.tape.name}:{line.number}: no variant plays this line of {line.lane}"


def _check_origin_exists(scenario: Scenario, results: Sequence[VariantResult]) -> Iterator[str]:
    origin = scenario.origin
    for broken in (one.trace for one in results if one.variant == "broken" and one.trace):
        if origin and find_origin_span(broken, origin) is None:
            yield f"the origin names no span of the broken trace: {origin.span!r} of {origin.agent}"
