"""Guardrails that act during a run: they block a call, say why, and record it in the trace.

    guardrails = Guardrails(CircuitBreaker(max_repeats=3), TokenBudget(max_tokens=50_000))

    guardrails.check_completion()                   # before a request to the model
    guardrails.add_usage("gpt-4o-mini", tokens)     # after it
    guardrails.check_call("pay_invoice", {"number": "A-17"})        # before a tool call

Each check is a GUARDRAIL span. A check that blocks raises `GuardrailBlockedError`; its message is
written for the model, so give it back as the result of the call. Create the guardrails anew for
each run: they count.
"""

from instrumentation.guardrails.authorization import Approval, Authorization
from instrumentation.guardrails.circuit_breaker import CircuitBreaker
from instrumentation.guardrails.frameworks import guard_crew, guarded
from instrumentation.guardrails.guardrail import Check, GuardrailBlockedError, record_check
from instrumentation.guardrails.guardrails import Guardrails
from instrumentation.guardrails.input_redaction import redact_input
from instrumentation.guardrails.token_budget import TokenBudget, UnknownPriceError

__all__ = [
    "Approval",
    "Authorization",
    "Check",
    "CircuitBreaker",
    "GuardrailBlockedError",
    "Guardrails",
    "TokenBudget",
    "UnknownPriceError",
    "guard_crew",
    "guarded",
    "record_check",
    "redact_input",
]
