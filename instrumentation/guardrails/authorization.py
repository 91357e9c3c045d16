"""An authorization guardrail: tools with consequences run only if someone allows the call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from instrumentation.guardrails.guardrail import Check
from patches.support.error_boundaries import call_with_fallback


@dataclass(frozen=True)
class Approval:
    """A rule's consent to a call; `by` is who gave it, as the trace records it."""

    by: str


Rule = Callable[[Mapping[str, Any]], str | Approval | None]
"""Takes a call's arguments; returns why it is not allowed, or None. It may ask a person.

A person's consent is an `Approval`. After None, the trace names the rule itself.
"""


@dataclass(frozen=True)
class Authorization:
    """A rule for each tool that has consequences; all other tools are free to call.

    Authorization({"pay_invoice": lambda call: "too much" if call["eur"] > 1000 else None})
    """

    rules: Mapping[str, Rule]

    def check_call(self, tool: str, arguments: Mapping[str, Any]) -> Check | None:
        """Check a call; None for a tool without a rule.

        A rule that fails allows nothing: its error blocks the call.
        """
        rule = self.rules.get(tool)
        if rule is None:
            return None
        verdict = call_with_fallback(  # the rule is the user's
            partial(rule, arguments), lambda error: f"its rule failed ({type(error).__name__})"
        )
        if isinstance(verdict, str) and verdict:
            advice = "; do not call it again, and say that it was not done"
            return Check("authorization", f"not authorized: {verdict}{advice}", {"tool": tool})
        rule_name = getattr(rule, "__name__", type(rule).__name__)
        by = verdict.by if isinstance(verdict, Approval) else f"rule {rule_name}"
        return Check("authorization", figures={"tool": tool, "authorized_by": by})
