"""Find problems of a whole scenario that no single variant shows, such as unused tape lines."""

from collections.abc import Iterator, Sequence

from scenarios.player.scenario_loader import ScenarioFolder
from scenarios.player.verdict import VariantResult, evaluate
from scenarios.reports.origin_marker import find_origin_span
from scenarios.reports.variant_diff import MISTAKE, explain_mistakes, read_workflow
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
    if broken is not None:
        yield from _find_missing_parts(scenario, folder)
    origin = scenario.origin
    if broken is not None and origin and find_origin_span(broken, origin) is None:
        yield f"the broken trace has no span {origin.span!r} of {origin.agent}, the origin"


def _find_missing_parts(scenario: Scenario, folder: ScenarioFolder) -> Iterator[str]:
    """What the page of a failure lacks for its README, which `accept` writes."""
    if scenario.origin is None:
        yield (
            f"{folder.page.name}: origin is missing; name the span in which the failure begins:"
            " origin=FailureOrigin(AGENT, SPAN)"
        )
    for setting in ("failure_mode", "source"):
        if not getattr(scenario, setting).strip():
            yield f"{folder.page.name}: {setting} is empty"
    variant = scenario.broken
    if variant and isinstance(name := variant.workflow, str) and name:
        workflow = read_workflow(scenario.workflow, folder.variants, name)
        if not explain_mistakes(workflow):
            yield (
                f"{folder.variants.name}: the docstring of {name} does not explain the mistake;"
                f" begin it with {MISTAKE.strip()!r}"
            )
