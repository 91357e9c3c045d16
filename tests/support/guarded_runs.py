"""One paying agent per framework, guarded, on a tape; the same tape for all of them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from autogen_agentchat.agents import AssistantAgent
from crewai.tools import tool
from pydantic import BaseModel

from instrumentation import Span, Trace, record_run
from instrumentation.guardrails import GuardrailBlockedError, Guardrails, guard_crew, guarded
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer
from tests.support import autogen_agents, crewai_crews
from tests.support.autogen_agents import Line, load_trace, replay_lines, tool_calls_line
from tests.support.tapes import make_async_client

PREFIX = "flight_recorder.guardrail."
USAGE = {"prompt_tokens": 40, "completion_tokens": 5}
PAY_DEFINITION: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "pay",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "string"}, "eur": {"type": "number"}},
        },
    },
}


@dataclass(frozen=True)
class GuardedRun:
    """A run that has ended.

    Attributes:
        answer: The agent's answer; "" if the run ended with `error`.
        paid: The amounts that the tool `pay` was called with.
        requests: The requests that reached the endpoint.
        is_complete: Whether each line of the tape was played.
    """

    answer: str
    error: Exception | None
    paid: list[float]
    trace: Trace
    requests: tuple[Exchange, ...]
    is_complete: bool

    @property
    def checks(self) -> list[Span]:
        return list(self.trace.spans_of_type("GUARDRAIL"))

    def check_values(self, name: str) -> list[Any]:
        """The attribute `flight_recorder.guardrail.{name}` of each check."""
        return [check.attributes.get(f"{PREFIX}{name}") for check in self.checks]


def pay_line(*payments: tuple[str, float | str]) -> Line:
    """A taped reply of 45 tokens in which the agent pays invoices, given by number and amount."""
    calls = [("pay", {"number": number, "eur": eur}) for number, eur in payments]
    line = tool_calls_line("payer", *calls)
    return line | {"reply": line["reply"] | {"usage": USAGE}}


def answer_line(content: str, when: str | None = None) -> Line:
    """A taped answer of 45 tokens, for a conversation that matches `when`."""
    line = autogen_agents.reply_line("payer", content, usage=USAGE)
    return line | ({"when": when} if when else {})


def find_objection(call: Mapping[str, Any]) -> str | None:
    """Why a person must make a payment: it is large."""
    return "payments above 100 EUR need a person" if call["eur"] > 100 else None


class Payment(BaseModel):
    number: str
    eur: float


Program = Callable[[ReplayServer, Guardrails, str, list[float]], str]


def run_guarded(
    program: Program, folder: Path, guardrails: Guardrails, *lines: Line, task: str = "pay"
) -> GuardedRun:
    """Run a program on these tape lines; an error that ends it is part of the result."""
    paid: list[float] = []
    answer, error = "", None
    with replay_lines(folder, *lines) as replay, record_run() as run:
        try:
            answer = program(replay, guardrails, task, paid)
        except Exception as raised:
            error = raised
        requests, is_complete = replay.ledger.exchanges, not replay.unplayed_lines
        assert not replay.refusals
    return GuardedRun(answer, error, paid, load_trace(run), requests, is_complete)


def run_crew(replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]) -> str:
    """A CrewAI crew of one agent."""
    with guard_crew(guardrails):
        return str(make_crew(replay, paid).kickoff({"task": task}).raw)


def run_async_crew(
    replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]
) -> str:
    """The same crew with `akickoff`."""

    async def run() -> str:
        with guard_crew(guardrails):
            return str((await make_crew(replay, paid).akickoff({"task": task})).raw)

    return asyncio.run(run())


def make_crew(replay: ReplayServer, paid: list[float]) -> Any:
    @tool("pay")
    def pay(number: str, eur: float) -> str:
        """Pay an invoice."""
        paid.append(eur)
        return f"paid {number}"

    payer = crewai_crews.agent(replay, "payer", tools=[pay])
    return crewai_crews.crew(crewai_crews.task(payer, "payments", description="{task}"))


def run_agent(replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]) -> str:
    """An AutoGen assistant."""
    return asyncio.run(run_assistant(replay, guardrails, task, paid, stream=False))


def run_streaming_agent(
    replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]
) -> str:
    """An AutoGen assistant whose completions are streamed."""
    return asyncio.run(run_assistant(replay, guardrails, task, paid, stream=True))


async def run_assistant(
    replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float], *, stream: bool
) -> str:
    async def pay(number: str, eur: float) -> str:
        """Pay an invoice."""
        paid.append(eur)
        return f"paid {number}"

    options = {} if stream else {"stream_options": None}
    client = autogen_agents.client(replay, "payer", **options)
    payer = AssistantAgent(
        "payer",
        guarded(client, guardrails, model="taped"),
        tools=guarded([pay], guardrails),
        max_tool_iterations=6,
        model_client_stream=stream,
    )
    result = await payer.run(task=guardrails.redact(task))
    await client.close()
    return str(result.messages[-1].to_text())


def run_client(replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]) -> str:
    """A loop around the client of `openai`."""
    with mlflow.start_span("payer", span_type="AGENT"):
        return asyncio.run(pay_in_a_loop(replay, guardrails, task, paid))


async def pay_in_a_loop(
    replay: ReplayServer, guardrails: Guardrails, task: str, paid: list[float]
) -> str:
    messages: list[Any] = [{"role": "user", "content": guardrails.redact(task)}]
    async with make_async_client(replay, "payer") as plain:
        client: Any = guarded(plain, guardrails)
        while True:
            completion = await client.chat.completions.create(
                model="taped", messages=messages, tools=[PAY_DEFINITION]
            )
            message = completion.choices[0].message
            messages.append(message.to_dict())
            if not message.tool_calls:
                return message.content or ""
            for call in message.tool_calls:
                result = call_pay(guardrails, call, paid)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def call_pay(guardrails: Guardrails, call: Any, paid: list[float]) -> str:
    arguments = Payment.model_validate_json(call.function.arguments).model_dump()
    with mlflow.start_span("pay", span_type="TOOL"):
        try:
            guardrails.check_call("pay", arguments)
        except GuardrailBlockedError as error:
            return str(error)
        paid.append(arguments["eur"])
        return f"paid {arguments['number']}"


PROGRAMS: tuple[Program, ...] = (
    run_crew,
    run_async_crew,
    run_agent,
    run_streaming_agent,
    run_client,
)
