"""A verdict: what playing a scenario yields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from instrumentation.trace.outline import outline
from instrumentation.trace.trace import NoTrace, Trace
from scenarios.expectations import Expectation
from scenarios.player.fidelity import Fidelity


@dataclass(frozen=True)
class Judgement:
    """An expectation, and why it does not hold, where it does not."""

    says: str
    why_not: str | None

    @property
    def held(self) -> bool:
        return self.why_not is None


@dataclass(frozen=True)
class Seen:
    """What was seen of one variant. `troubles` are what makes a run unfit to be judged: a request
    that the tape refused, an error that nobody expected, a fault that never came."""

    variant: str
    trace: Trace | None
    judgements: tuple[Judgement, ...]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    fidelity: Fidelity | None = None
    drift: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    played: frozenset[int] = frozenset()
    took_s: float = 0.0

    @property
    def passed(self) -> bool:
        return (
            not self.troubles
            and not self.drift
            and bool(self.judgements)
            and all(judgement.held for judgement in self.judgements)
            and (self.fidelity is None or self.fidelity.complete)
        )

    def to_json(self) -> dict[str, Any]:
        """This variant for a program, as `run --json` prints it."""
        return {
            "variant": self.variant,
            "passed": self.passed,
            "inputs": dict(self.inputs),
            "trace_id": self.trace.ids[0] if self.trace and self.trace.ids else None,
            "session": self.trace.session.id if self.trace and self.trace.session else None,
            "outline": outline(self.trace) if self.trace else "",
            "expectations": [
                {"says": j.says, "held": j.held, "why_not": j.why_not} for j in self.judgements
            ],
            "fidelity": {
                name: {"ledger": count.ledger, "trace": count.trace}
                for name, count in self.fidelity or ()
            },
            "drift": list(self.drift),
            "troubles": list(self.troubles),
        }


@dataclass(frozen=True)
class Verdict:
    """A scenario passes when each of its variants does, and no line of its tape is left over."""

    scenario: str
    variants: tuple[Seen, ...]
    troubles: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return (
            not self.troubles and bool(self.variants) and all(seen.passed for seen in self.variants)
        )

    def to_json(self) -> dict[str, Any]:
        """The verdict for a program, as `run --json` prints it."""
        return {
            "scenario": self.scenario,
            "passed": self.passed,
            "variants": [seen.to_json() for seen in self.variants],
            "troubles": list(self.troubles),
        }


def judged(trace: Trace, expectations: Sequence[Expectation]) -> tuple[Judgement, ...]:
    """Hold a trace against expectations. One torn into several roots fails each of them; the turns
    of a session are several, and whole."""
    judgements = []
    for expectation in expectations:
        try:
            _ = trace.root  # which a torn trace does not have
            why_not = expectation.why_not(trace)
        except NoTrace as torn:
            why_not = str(torn)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why_not = f"the trace cannot be read ({type(error).__name__}: {error})"
        judgements.append(Judgement(expectation.says, why_not))
    return tuple(judgements)
