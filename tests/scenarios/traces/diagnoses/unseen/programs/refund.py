"""A refund service, plain openai with tools: a support agent in a loop, then an auditor."""

import json
from typing import Any

import mlflow

from scenarios.replay.replay_server import ReplayServer
from tests.support.tapes import ask, make_client

RULES = (
    "You are the support agent of a shop. Look up the order, read the policy, then refund or"
    " refuse. Tell the customer what you have done."
)
POLICY = (
    "Refund in full within 30 days of delivery. Never refund more than 100 EUR without the approval"
    " of a supervisor."
)
ORDERS = {
    "10-443": {"item": "kettle", "paid_eur": 59, "delivered": "2 March"},
    "10-434": {"item": "television", "paid_eur": 459, "delivered": "27 February"},
    "10-551": {"item": "headphones, wired", "paid_eur": 39, "delivered": "1 March"},
    "10-560": {"item": "headphones, wireless", "paid_eur": 89, "delivered": "3 March"},
}
TOOLS = {
    "find_order": "order",
    "find_orders_of": "item",
    "read_policy": "topic",
    "refund": "order",
}


class RefundService:
    """Answers a customer: a loop of completions and tool calls, then one completion to audit."""

    payments = "paid out"

    def __init__(self, request: str) -> None:
        self.request = request

    def run(self, replay: ReplayServer) -> str:
        with mlflow.start_span("refund service", span_type="CHAIN") as span:
            span.set_inputs({"request": self.request})
            answer = self.support(replay)
            verdict = self.audit(replay, answer)
            span.set_outputs({"answer": answer, "audit": verdict})
        return answer

    def support(self, replay: ReplayServer) -> str:
        with mlflow.start_span("support", span_type="AGENT") as span:
            span.set_inputs({"request": self.request})
            answer = self.converse(replay)
            span.set_outputs(answer)
        return answer

    def converse(self, replay: ReplayServer) -> str:
        client = make_client(replay, "support", max_retries=2)
        rules: list[Any] = [{"role": "system", "content": RULES}]
        turns: list[Any] = [{"role": "user", "content": self.request}]
        tools: list[Any] = [_describe(*tool) for tool in TOOLS.items()]
        while True:
            completion = client.chat.completions.create(
                model="taped", messages=rules + self.recall(turns), tools=tools
            )
            message = completion.choices[0].message
            turns.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                return message.content or ""
            for one in message.tool_calls:
                assert one.type == "function"
                result = self.use(one.function.name, json.loads(one.function.arguments))
                turns.append({"role": "tool", "tool_call_id": one.id, "content": result})

    def audit(self, replay: ReplayServer, answer: str) -> str:
        with mlflow.start_span("auditor", span_type="AGENT") as span:
            span.set_inputs({"answer": answer})
            prompt = f"Is this answer to a customer polite and complete?\n{answer}"
            verdict = ask(make_client(replay, "auditor"), prompt) or ""
            span.set_outputs(verdict)
        return verdict

    def recall(self, turns: list[Any]) -> list[Any]:
        return turns

    def use(self, name: str, arguments: dict[str, str]) -> str:
        with mlflow.start_span(name, span_type="TOOL") as span:
            span.set_inputs(arguments)
            result = self.answer(name, *arguments.values())
            span.set_outputs(result)
        return result

    def answer(self, name: str, argument: str) -> str:
        if name == "read_policy":
            return POLICY
        if name == "find_order":
            return json.dumps({"order": argument, **ORDERS[argument]})
        if name == "find_orders_of":
            found = [{"order": key, **one} for key, one in ORDERS.items() if argument in str(one)]
            return json.dumps(found)
        if self.payments != "paid out":
            return json.dumps({"error": self.payments})
        paid = ORDERS[argument]["paid_eur"]
        return json.dumps({"order": argument, "state": "paid out", "refunded_eur": paid})


class PaymentsDecline(RefundService):
    """The payment provider declines each refund."""

    payments = "declined by the payment provider"


class ForgetsThePolicy(RefundService):
    """The mistake: to save tokens, only the request and the last exchange are sent."""

    def recall(self, turns: list[Any]) -> list[Any]:
        return turns if len(turns) < 4 else [turns[0], *turns[-2:]]


def _describe(name: str, argument: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {argument: {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": schema}}
