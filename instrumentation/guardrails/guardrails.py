"""The guardrails of one run, checked in one place and recorded in its trace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from instrumentation.guardrails.authorization import Authorization
from instrumentation.guardrails.circuit_breaker import CircuitBreaker
from instrumentation.guardrails.guardrail import Check, GuardrailBlockedError, record_check
from instrumentation.guardrails.input_redaction import redact_input
from instrumentation.guardrails.token_budget import TokenBudget
from instrumentation.redaction import Redaction
from instrumentation.trace.span import Tokens

Value = TypeVar("Value")


@dataclass(frozen=True)
class Guardrails:
    """What a run may do. A guardrail that is None checks nothing.

    `blocked` has the checks that blocked a call of this run, in order.
    """

    breaker: CircuitBreaker | None = None
    budget: TokenBudget | None = None
    authorization: Authorization | None = None
    redaction: Redaction | None = None
    blocked: list[Check] = field(default_factory=list, init=False)

    def check_call(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Check a tool call before it is made. Raises `GuardrailBlockedError`."""
        inputs = {"tool": tool, "arguments": dict(arguments)}
        if self.authorization and (check := self.authorization.check_call(tool, arguments)):
            self._record(check, inputs)
        if self.breaker:
            self._record(self.breaker.check_call(tool, arguments), inputs)

    def check_completion(self) -> None:
        """Check the budget before a completion is requested. Raises `GuardrailBlockedError`."""
        if self.budget:
            self._record(self.budget.check_completion(), {})

    def add_usage(self, model: str, tokens: Tokens) -> None:
        """Count the tokens of a completion."""
        if self.budget:
            self.budget.add(model, tokens)

    def redact(self, value: Value) -> Value:
        """Return the input of the run without secrets and personal data; record the redaction."""
        return value if self.redaction is None else redact_input(value, self.redaction)

    def _record(self, check: Check, inputs: Mapping[str, Any]) -> None:
        try:
            record_check(check, inputs)
        except GuardrailBlockedError:
            self.blocked.append(check)
            raise


def coerce_arguments(
    schema: type[BaseModel] | None, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return a call's arguments as its tool is given them, not as the model wrote them.

    Otherwise 5000 and "5000" would be two calls for the circuit breaker, and a rule that compares
    numbers would fail. Arguments that the tool rejects are returned as they are.
    """
    if schema is None:
        return arguments
    try:
        return schema.model_validate(arguments).model_dump()
    except ValidationError:
        return arguments
