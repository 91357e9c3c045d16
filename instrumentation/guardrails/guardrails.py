"""The guardrails of one run, checked in one place and recorded in its trace."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.guardrails.authorization import Authorization
from instrumentation.guardrails.circuit_breaker import CircuitBreaker
from instrumentation.guardrails.guardrail import record_check
from instrumentation.guardrails.token_budget import TokenBudget
from instrumentation.trace.span import Tokens


@dataclass(frozen=True)
class Guardrails:
    """What a run may do. A guardrail that is None checks nothing."""

    breaker: CircuitBreaker | None = None
    budget: TokenBudget | None = None
    authorization: Authorization | None = None

    def check_call(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Check a tool call before it is made. Raises `GuardrailBlockedError`."""
        inputs = {"tool": tool, "arguments": dict(arguments)}
        if self.authorization and (check := self.authorization.check_call(tool, arguments)):
            record_check(check, inputs)
        if self.breaker:
            record_check(self.breaker.check_call(tool, arguments), inputs)

    def check_completion(self) -> None:
        """Check the budget before a completion is requested. Raises `GuardrailBlockedError`."""
        if self.budget:
            record_check(self.budget.check_completion(), {})

    def add_usage(self, model: str, tokens: Tokens) -> None:
        """Count the tokens of a completion."""
        if self.budget:
            self.budget.add(model, tokens)
