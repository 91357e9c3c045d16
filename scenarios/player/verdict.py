"""A verdict: what playing a scenario yields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace import Trace, TraceNotFoundError
from scenarios.expectations import Expectation
from scenarios.player.fidelity import Fidelity


@dataclass(frozen=True)
class ExpectationResult:
    """An expectation, and why it does not hold, where it does not."""

    description: str
    failure: str | None

    @property
    def passed(self) -> bool:
        return self.failure is None


@dataclass(frozen=True)
class VariantResult:
    """What was seen of one variant. `troubles` are what makes a run unfit to be judged: a request
    that the tape refused, an error that nobody expected, a fault that never came."""

    variant: str
    trace: Trace | None
    expectation_results: tuple[ExpectationResult, ...]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    fidelity: Fidelity | None = None
    drift: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    used_lines: frozenset[int] = frozenset()
    duration_s: float = 0.0

    @property
    def passed(self) -> bool:
        return (
            not self.problems
            and not self.drift
            and bool(self.expectation_results)
            and all(judgement.passed for judgement in self.expectation_results)
            and (self.fidelity is None or self.fidelity.is_complete)
        )

    def to_json(self) -> dict[str, Any]:
        """This variant for a program, as `run --json` prints it."""
        return {
            "variant": self.variant,
            "passed": self.passed,
            "inputs": dict(self.inputs),
            "trace_id": self.trace.ids[0] if self.trace and self.trace.ids else None,
            "session": self.trace.session.id if self.trace and self.trace.session else None,
            "outline": render_outline(self.trace) if self.trace else "",
            "expectations": [
                {"says": j.description, "held": j.passed, "why_not": j.failure}
                for j in self.expectation_results
            ],
            "fidelity": {
                name: {"ledger": count.ledger, "trace": count.trace}
                for name, count in self.fidelity or ()
            },
            "drift": list(self.drift),
            "troubles": list(self.problems),
        }


@dataclass(frozen=True)
class Verdict:
    """A scenario passes when each of its variants does, and no line of its tape is left over."""

    scenario: str
    variants: tuple[VariantResult, ...]
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return (
            not self.problems and bool(self.variants) and all(seen.passed for seen in self.variants)
        )

    def to_json(self) -> dict[str, Any]:
        """The verdict for a program, as `run --json` prints it."""
        return {
            "scenario": self.scenario,
            "passed": self.passed,
            "variants": [seen.to_json() for seen in self.variants],
            "troubles": list(self.problems),
        }


def evaluate(trace: Trace, expectations: Sequence[Expectation]) -> tuple[ExpectationResult, ...]:
    """Hold a trace against expectations. One torn into several roots fails each of them; the turns
    of a session are several, and whole."""
    judgements = []
    for expectation in expectations:
        try:
            _ = trace.root  # which a torn trace does not have
            why_not = expectation.explain_failure(trace)
        except TraceNotFoundError as torn:
            why_not = str(torn)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why_not = f"the trace cannot be read ({type(error).__name__}: {error})"
        judgements.append(ExpectationResult(expectation.description, why_not))
    return tuple(judgements)
