"""A payment agent with guardrails that act: a budget, a circuit breaker, an authorization.

    task ──▶ redact ──▶ budget ──▶ call_model ──▶ answer
                          ▲            │ calls
                          │            ▼
                       results ◀── authorization, breaker ──▶ read_invoice, pay_invoice
                          ▲            │ blocked
                          └── reason ◀─┘

The trace of a run, in which one payment is too large for the agent:

    payments                  CHAIN      the task and the answer
      input_redaction         GUARDRAIL  the task without personal data
      payer                   AGENT
        token_budget          GUARDRAIL  before each completion
        chat_completion       LLM
        pay_invoice           TOOL       ERROR: not authorized
          authorization       GUARDRAIL  blocked, and why; the model reads the reason
        read_invoice          TOOL
          circuit_breaker     GUARDRAIL  passed, with counts and limits

Read on in `instrumentation/guardrails/`, then `support/payments.py` (the tools).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import mlflow
from mlflow.entities import SpanType

from instrumentation import Tokens, guardrails, record_request, record_response
from workflows.model import Model
from workflows.support.clients.openai import Reply, ToolCall, openai_client, to_plain_data
from workflows.support.payments import (
    DEFINITIONS,
    BillingError,
    Conversation,
    Payments,
    open_billing,
    parse_arguments,
)

AGENT = "payer"
SYSTEM_PROMPT = """\
You pay invoices. Read each one before you pay it, and pay it once, with the amount on it. Do not
pay what is not posted. When a call is blocked or fails, do not try to get round it: say so in your
answer. In the end, name each invoice: paid, with its amount, or not paid, and why."""


class PaymentAgent:
    """Pays invoices within limits. To change one decision, override one method."""

    max_rounds = 8
    max_tokens = 50_000
    max_payment_eur = 10_000.0

    def __init__(
        self,
        model: Model,
        *,
        billing: str = "http://127.0.0.1:8766",
        on_chunk: Callable[[str, str], None] | None = None,
    ) -> None:
        """`on_chunk` is called once, with the agent's name and its answer."""
        self.model, self.billing, self.on_chunk = model, billing, on_chunk

    async def run(self, task: str) -> Payments:
        """Pay the invoices of the task. Raises the errors of the OpenAI client."""
        with mlflow.start_span("payments", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            task = self.read_task(task)
            async with (
                openai_client(self.model, AGENT) as client,
                open_billing(self.billing, self.model.timeout_s) as billing,
            ):
                talk = Conversation(client, billing, self.build_guardrails(), SYSTEM_PROMPT, task)
                with mlflow.start_span(AGENT, span_type=SpanType.AGENT) as turn:
                    turn.set_inputs({"task": task})
                    payments = await self.pay(talk)
                    turn.set_outputs(payments.text)
            span.set_attribute("flight_recorder.workflow.outcome", payments.outcome)
            span.set_outputs(asdict(payments))
        if self.on_chunk:
            self.on_chunk(AGENT, payments.text)
        return payments

    def read_task(self, task: str) -> str:
        """Return the task as the model may see it."""
        return guardrails.redact_input(task)

    def build_guardrails(self) -> guardrails.Guardrails:
        """Create the guardrails of one run."""
        return guardrails.Guardrails(
            self.build_breaker(),
            guardrails.TokenBudget(max_tokens=self.max_tokens),
            guardrails.Authorization({"pay_invoice": self.find_objection}),
        )

    def build_breaker(self) -> guardrails.CircuitBreaker:
        """Limit repeated calls strictly, and the number of calls of a tool generously."""
        return guardrails.CircuitBreaker(max_repeats=2, max_calls=50)

    def find_objection(self, payment: Mapping[str, Any]) -> str | None:
        """Why a person must make a payment; None allows the agent to make it."""
        limit = self.max_payment_eur
        return f"payments above {limit:g} EUR need a person" if payment["eur"] > limit else None

    async def pay(self, talk: Conversation) -> Payments:
        """Let the model read and pay until it answers, or a limit ends the run."""
        for _ in range(self.max_rounds):
            try:
                self.check_budget(talk)
            except guardrails.GuardrailBlockedError as error:
                return talk.end("out of budget", str(error))
            reply = await self.call_model(talk)
            if not reply.calls:
                return talk.end("done", reply.text or reply.refusal)
            for call in reply.calls:  # one after the other: payments have an order
                talk.add_result(call, await self.call_tool(talk, call))
        return talk.end("out of rounds", f"no answer after {self.max_rounds} rounds")

    def check_budget(self, talk: Conversation) -> None:
        """Check the budget before a completion. Raises `GuardrailBlockedError`."""
        talk.guardrails.check_completion()

    async def call_model(self, talk: Conversation) -> Reply:
        request: dict[str, Any] = {"model": self.model.name, "messages": list(talk.messages)}
        request["tools"] = DEFINITIONS
        with mlflow.start_span("chat_completion", span_type=SpanType.LLM) as span:
            record_request(span, AGENT, request)
            completion = to_plain_data(await talk.client.chat.completions.create(**request))
            record_response(span, completion)
        usage = completion.get("usage") or {}
        tokens = Tokens(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
        talk.guardrails.add_usage(self.model.name, tokens)
        reply = Reply.from_completion(completion)
        talk.messages.append(reply.message)
        return reply

    async def call_tool(self, talk: Conversation, call: ToolCall) -> Any:
        """Make a call. Returns its result, or the reason why there is none, for the model."""
        try:
            with mlflow.start_span(call.name or "unnamed", span_type=SpanType.TOOL) as span:
                arguments = parse_arguments(call.name, call.arguments)
                span.set_inputs(arguments)
                span.set_attributes({"gen_ai.tool.name": call.name, "gen_ai.agent.name": AGENT})
                talk.guardrails.check_call(call.name, arguments)
                result = await talk.billing.call(call.name, arguments)
                span.set_outputs(result)
        except (guardrails.GuardrailBlockedError, BillingError) as error:
            return f"error: {error}"
        if call.name == "pay_invoice":
            talk.paid.append(arguments["number"])
        return result
