"""An authorization guardrail: tools with consequences run only if someone allows the call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.guardrails.guardrail import Check

Rule = Callable[[Mapping[str, Any]], str | None]
"""Takes a call's arguments; returns why it is not allowed, or None. It may ask a person."""


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
        try:
            objection = rule(arguments)
        except Exception as error:  # the rule is the user's, and may raise anything
            objection = f"its rule failed ({type(error).__name__})"
        advice = "; do not call it again, and say that it was not done"
        reason = f"not authorized: {objection}{advice}" if objection else ""
        return Check("authorization", reason, {"tool": tool})
