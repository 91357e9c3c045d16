"""Governance of a run, read from its trace: what its guardrails checked, and what they missed.

    governance = read_governance(trace)
    print(governance.problems)

It needs no tracing and no framework: any stored trace with GUARDRAIL spans will do.
"""

from instrumentation.governance.consequential_calls import ConsequentialCall
from instrumentation.governance.governance import Governance, read_governance
from instrumentation.governance.guardrail_use import GuardrailUse, LimitUse

__all__ = ["ConsequentialCall", "Governance", "GuardrailUse", "LimitUse", "read_governance"]
