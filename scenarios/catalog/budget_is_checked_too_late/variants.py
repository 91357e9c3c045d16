"""The broken payment agent: it looks at its budget when the run is over."""

from instrumentation.guardrails import GuardrailBlockedError
from workflows.guarded_agent import PaymentAgent
from workflows.support.payments import Conversation, Payments


class ChecksAtTheEnd(PaymentAgent):
    """The mistake: the budget is part of a report after the run, and stops nothing."""

    def check_budget(self, talk: Conversation) -> None:
        pass

    async def pay(self, talk: Conversation) -> Payments:
        payments = await super().pay(talk)
        try:
            talk.guardrails.check_completion()
        except GuardrailBlockedError as error:
            return talk.end("out of budget", f"{payments.text} {error}")
        return payments
