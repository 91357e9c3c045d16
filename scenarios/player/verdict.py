"""The verdict on a scenario: results of its expectations, fidelity, drift and problems.

A broken variant has problems of its own: nothing fails in it, or its mistake is not explained.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from instrumentation.diagnosis import Diagnosis, diagnose
from instrumentation.trace import Trace
from instrumentation.trace.outline import render_outline
from scenarios.expectations import Expectation
from scenarios.expectations.expectation import explain_failure
from scenarios.player.fidelity import Fidelity
from scenarios.player.scenario_loader import ScenarioFolder
from scenarios.player.workflow_source import MISTAKE, explain_mistakes, read_workflow
from scenarios.reports.origin_marker import find_origin_span
from scenarios.scenario import Scenario


@dataclass(frozen=True)
class ExpectationResult:
    """An expectation's description, and why it failed; None if it holds."""

    description: str
    failure: str | None

    @property
    def passed(self) -> bool:
        return self.failure is None


@dataclass(frozen=True)
class VariantResult:
    """The result of running, or checking, one variant.

    Attributes:
        inputs: The values that the task and the services were filled with.
        drift: How the outline differs from the golden, and requests from recorded ones.
        problems: Why the run fails whatever its expectations are: a request that no tape line
            answers, an unexpected error, a fault that did not fire; of a broken variant also a
            mistake that is not explained.
        used_lines: Numbers of the tape lines that the run used.
        is_new: Whether there is no golden to compare the outline with.
    """

    variant: str
    trace: Trace | None
    expectation_results: tuple[ExpectationResult, ...]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    fidelity: Fidelity | None = None
    drift: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    used_lines: frozenset[int] = frozenset()
    duration_s: float = 0.0
    is_new: bool = False

    @property
    def passed(self) -> bool:
        return (
            not self.problems
            and not self.drift
            and bool(self.expectation_results)
            and all(result.passed for result in self.expectation_results)
            and (self.fidelity is None or self.fidelity.is_complete)
        )

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What a diagnosis finds in the trace, which knows neither scenario nor variant."""
        return diagnose(self.trace) if self.trace else None

    def to_json(self) -> dict[str, Any]:
        """This variant as `run --json` prints it."""
        return {
            "variant": self.variant,
            "passed": self.passed,
            "inputs": dict(self.inputs),
            "trace_id": self.trace.ids[0] if self.trace and self.trace.ids else None,
            "session": self.trace.session.id if self.trace and self.trace.session else None,
            "outline": render_outline(self.trace) if self.trace else "",
            "expectations": [
                {"description": one.description, "passed": one.passed, "reason": one.failure}
                for one in self.expectation_results
            ],
            "diagnosis": self.diagnosis.to_json() if self.diagnosis else None,
            "fidelity": {
                name: {"ledger": count.ledger, "trace": count.trace}
                for name, count in self.fidelity or ()
            },
            "drift": list(self.drift),
            "new": self.is_new,
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Verdict:
    """The results of a scenario's variants, and problems of the scenario as a whole."""

    scenario: str
    variants: tuple[VariantResult, ...]
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        results = self.variants
        return not self.problems and bool(results) and all(result.passed for result in results)

    @property
    def is_new(self) -> bool:
        """Whether a variant has no golden yet: a person must read its outline, and accept it."""
        return any(result.is_new for result in self.variants)

    def to_json(self) -> dict[str, Any]:
        """The verdict as `run --json` prints it."""
        return {
            "scenario": self.scenario,
            "passed": self.passed,
            "variants": [result.to_json() for result in self.variants],
            "problems": list(self.problems),
        }


def evaluate(trace: Trace, expectations: Sequence[Expectation]) -> tuple[ExpectationResult, ...]:
    """Evaluate expectations on a trace. An incomplete trace fails all of them."""
    return tuple(
        ExpectationResult(expectation.description, explain_failure(trace, expectation))
        for expectation in expectations
    )


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
        if getattr(scenario, setting).strip() in ("", "none"):
            yield f"{folder.module.name}: {setting} is empty"
    variant = scenario.broken
    if variant and isinstance(name := variant.workflow, str) and name:
        workflow = read_workflow(scenario.workflow, folder.variants, name)
        if not explain_mistakes(workflow):
            yield (
                f"{folder.variants.name}: the docstring of {name} does not explain the mistake;"
                f" begin it with {MISTAKE.strip()!r}"
            )
