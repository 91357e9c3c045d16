"""Find problems of a whole scenario that no single variant shows, such as unused tape lines."""

from collections.abc import Iterator, Sequence

from scenarios.player.scenario_loader import ScenarioFolder
from scenarios.player.verdict import VariantResult, evaluate
from scenarios.reports.origin_marker import find_origin_span
from scenarios.scenario import Scenario
from scenarios.tape.tape import Tape


def find_scenario_problems(
    scenario: Scenario, results: Sequence[VariantResult], tape: Tape, folder: ScenarioFolder
) -> Iterator[str]:
    """A sentence for each problem: a broken variant that passes, unused lines, a missing origin."""
    broken = next((one.trace for one in results if one.variant == "broken"), None)
    if broken is not None:
        fixed = evaluate(broken, scenario.expect_fixed)
        if fixed and all(result.passed for result in fixed):
            yield (
                "the broken variant meets all expectations of the fixed one;"
                " check whether its mistake still is one"
            )
    used = frozenset().union(*(result.used_lines for result in results))
    for line in tape.lines:
        if line.number not in used:
            yield f"{folder.tape.name}:{line.number}: no variant uses this line of {line.lane}"
    origin = scenario.origin
    if broken is not None and origin and find_origin_span(broken, origin) is None:
        yield f"the broken trace has no span {origin.span!r} of {origin.agent}, the origin"
