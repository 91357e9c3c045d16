"""The broken payment agent: it redacts its task and goes on with the text that it had before."""

from instrumentation.guardrails import redact_input
from workflows.guarded_agent import PaymentAgent


class ForgetsTheRedactedTask(PaymentAgent):
    """The mistake: the redacted text is the result of a call, and nobody uses the result."""

    def read_task(self, task: str) -> str:
        redact_input(task)
        return task
