"""The broken payment agent: its circuit breaker counts every call of a tool alike."""

from instrumentation.guardrails import CircuitBreaker
from workflows.guarded_agent import PaymentAgent


class CountsEveryCall(PaymentAgent):
    """The mistake: three calls of a tool are taken for a loop, whatever their arguments are."""

    def build_breaker(self) -> CircuitBreaker:
        return CircuitBreaker(max_calls=3)
