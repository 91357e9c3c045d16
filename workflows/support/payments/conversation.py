"""The state of one run of the payment agent, and the result: its outcome, and the paid invoices."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI

from instrumentation.guardrails import Guardrails
from workflows.support.clients.openai import ToolCall
from workflows.support.payments.billing_client import Billing


@dataclass(frozen=True)
class Payments:
    """How a run of the payment agent ended.

    Attributes:
        outcome: "done"; "out of budget"; or "out of rounds".
        text: The model's last text, or why there is none.
        paid: The numbers of the invoices that were paid.
    """

    outcome: str
    text: str
    paid: tuple[str, ...] = ()


class Conversation:
    """The messages of one run, its tools and its guardrails. Runs share nothing."""

    def __init__(
        self, client: AsyncOpenAI, billing: Billing, guardrails: Guardrails, prompt: str, task: str
    ) -> None:
        self.client, self.billing, self.guardrails = client, billing, guardrails
        self.messages: list[Mapping[str, Any]] = [
            {"role": "system", "content": prompt},
            {"role": "user", "content": task},
        ]
        self.paid: list[str] = []

    def add_result(self, call: ToolCall, result: Any) -> None:
        """Add the result of a call, or its error, as the message that the model reads."""
        content = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        self.messages.append({"role": "tool", "tool_call_id": call.id, "content": content})

    def end(self, outcome: str, text: str) -> Payments:
        return Payments(outcome, text, tuple(self.paid))
