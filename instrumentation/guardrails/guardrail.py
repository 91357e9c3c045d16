"""The check of a guardrail: its verdict, its limits and counts, and the span that records it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import mlflow
from mlflow.entities import SpanType

GUARDRAIL_PREFIX = "flight_recorder.guardrail."


@dataclass(frozen=True)
class Check:
    """The verdict of one guardrail.

    Attributes:
        guardrail: The name of its span: "circuit_breaker", "token_budget" …
        reason: Why the call is blocked, in a sentence for the model; "" if it may be made.
        figures: Limits and counts, such as {"call_count": 3, "call_limit": 3}.
    """

    guardrail: str
    reason: str = ""
    figures: Mapping[str, int | float | str] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        return bool(self.reason)

    def attributes(self) -> dict[str, Any]:
        """The attributes of its span."""
        reason = {f"{GUARDRAIL_PREFIX}reason": self.reason} if self.reason else {}
        return {
            f"{GUARDRAIL_PREFIX}name": self.guardrail,
            f"{GUARDRAIL_PREFIX}passed": not self.blocked,
            f"{GUARDRAIL_PREFIX}blocked": self.blocked,
            **reason,
            **{f"{GUARDRAIL_PREFIX}{name}": value for name, value in self.figures.items()},
        }


class GuardrailBlockedError(Exception):
    """Raised when a guardrail blocks a call. The message is written for the model."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.reason)
        self.check = check


def record_check(check: Check, inputs: Mapping[str, Any]) -> None:
    """Record a check as a GUARDRAIL span, and raise `GuardrailBlockedError` if it blocks.

    The span ends OK in both cases: a guardrail that blocks has worked.
    """
    with mlflow.start_span(check.guardrail, span_type=SpanType.GUARDRAIL) as span:
        span.set_inputs(dict(inputs))
        span.set_attributes(check.attributes())
        span.set_outputs({"blocked": check.blocked, "reason": check.reason})
    if check.blocked:
        raise GuardrailBlockedError(check)
