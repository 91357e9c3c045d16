"""Find problems of a broken variant: nothing fails in it, or its mistake is not explained."""

from collections.abc import Iterator

from instrumentation.trace import Trace
from scenarios.player.scenario_loader import ScenarioFolder
from scenarios.player.verdict import evaluate
from scenarios.player.workflow_source import MISTAKE, explain_mistakes, read_workflow
from scenarios.reports.origin_marker import find_origin_span
from scenarios.scenario import Scenario


def find_broken_problems(scenario: Scenario, trace: Trace, folder: ScenarioFolder) -> Iterator[str]:
    """A sentence for each problem of the broken variant, which left this trace."""
    fixed = evaluate(trace, scenario.expect_fixed)
    if fixed and all(result.passed for result in fixed):
        yield (
            "the broken variant meets all expectations of the fixed one;"
            " check whether its mistake still is one"
        )
    yield from _find_missing_parts(scenario, folder)
    origin = scenario.origin
    if origin and find_origin_span(trace, origin) is None:
        yield f"the broken trace has no span {origin.span!r} of {origin.agent}, the origin"


def _find_missing_parts(scenario: Scenario, folder: ScenarioFolder) -> Iterator[str]:
    """What a failure's scenario lacks for its README, which `accept` writes."""
    if scenario.origin is None:
        yield (
            f"{folder.module.name}: origin is missing; name the span in which the failure begins:"
            " origin=FailureOrigin(AGENT, SPAN)"
        )
    for setting in ("failure_mode", "source"):
        if not getattr(scenario, setting).strip():
            yield f"{folder.module.name}: {setting} is empty"
    variant = scenario.broken
    if variant and isinstance(name := variant.workflow, str) and name:
        workflow = read_workflow(scenario.workflow, folder.variants, name)
        if not explain_mistakes(workflow):
            yield (
                f"{folder.variants.name}: the docstring of {name} does not explain the mistake;"
                f" begin it with {MISTAKE.strip()!r}"
            )
