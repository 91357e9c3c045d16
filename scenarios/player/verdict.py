"""The verdict on a scenario: results of its expectations, fidelity, drift and problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from instrumentation.diagnosis import Diagnosis, diagnose
from instrumentation.trace import Trace
from instrumentation.trace.outline import render_outline
from scenarios.expectations import Expectation
from scenarios.expectations.expectation import explain_failure
from scenarios.player.fidelity import Fidelity


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
