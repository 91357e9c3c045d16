"""Guarded clients and tools: streams, parallel requests, copies of a client, workbenches."""

import asyncio
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_agentchat.tools import AgentTool
from autogen_core import CancellationToken
from autogen_core.models import UserMessage
from autogen_core.tools import StaticStreamWorkbench, StaticWorkbench
from pydantic import BaseModel

from instrumentation import Price, enable_tracing
from instrumentation.guardrails import (
    CircuitBreaker,
    GuardrailBlockedError,
    Guardrails,
    TokenBudget,
    guarded,
)
from instrumentation.trace.span import Tokens
from tests.support import autogen_agents
from tests.support.autogen_agents import replay_lines
from tests.support.guarded_runs import answer_line
from tests.support.tapes import make_async_client, make_client, user_message

BUDGET = 50
"""Enough for one completion of 45 tokens."""
REQUEST: dict[str, Any] = {"model": "taped", "messages": user_message("go on")}
STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def budget_of_one() -> Guardrails:
    return Guardrails(budget=TokenBudget(max_tokens=BUDGET))


def test_a_streamed_completion_is_counted_when_it_has_been_read(tmp_path: Path) -> None:
    guardrails = budget_of_one()
    with replay_lines(tmp_path, answer_line("a b")) as replay:
        client = guarded(make_client(replay, "payer"), guardrails)
        with client.chat.completions.create(**REQUEST, **STREAM) as stream:
            texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
        with pytest.raises(GuardrailBlockedError, match="45 of 50"):
            client.chat.completions.create(**REQUEST)
    assert "".join(text or "" for text in texts) == "a b"


async def test_an_asynchronous_stream_is_counted_when_it_has_been_read(tmp_path: Path) -> None:
    with replay_lines(tmp_path, answer_line("a b")) as replay:
        async with make_async_client(replay, "payer") as plain:
            client = guarded(plain, budget_of_one())
            stream = await client.chat.completions.create(**REQUEST, **STREAM)
            chunks = [chunk async for chunk in stream]
            with pytest.raises(GuardrailBlockedError, match="45 of 50"):
                await client.chat.completions.create(**REQUEST)
    assert chunks[-1].usage.total_tokens == 45


def test_the_helper_for_streams_is_guarded(tmp_path: Path) -> None:
    with replay_lines(tmp_path, answer_line("a b")) as replay:
        client = guarded(make_client(replay, "payer"), budget_of_one())
        options = {"stream_options": {"include_usage": True}}
        with client.chat.completions.stream(**REQUEST, **options) as stream:
            assert stream.get_final_completion().choices[0].message.content == "a b"
        with pytest.raises(GuardrailBlockedError, match="45 of 50"):
            client.chat.completions.create(**REQUEST)


def test_a_completion_without_usage_is_recorded_as_unmeasured(tmp_path: Path) -> None:
    budget = TokenBudget(max_tokens=BUDGET)
    with replay_lines(tmp_path, answer_line("a b")) as replay:
        client = guarded(make_client(replay, "payer"), Guardrails(budget=budget))
        for _ in client.chat.completions.create(**REQUEST, stream=True):
            pass
    figures = budget.check_completion().figures
    assert (figures["token_count"], figures["unmeasured_count"]) == (0, 1)


class Verdict(BaseModel):
    paid: bool


@pytest.mark.parametrize(
    "request_completion",
    [
        lambda client: client.chat.completions.create(**REQUEST),
        lambda client: client.chat.completions.parse(**REQUEST, response_format=Verdict),
        lambda client: client.beta.chat.completions.parse(**REQUEST, response_format=Verdict),
        lambda client: client.responses.create(model="taped", input="go on"),
        lambda client: client.with_options(timeout=3).chat.completions.create(**REQUEST),
        lambda client: client.chat.completions.with_raw_response.create(**REQUEST),
    ],
    ids=["create", "parse", "beta", "responses", "with_options", "raw"],
)
def test_no_way_leads_round_the_budget(request_completion: Any, tmp_path: Path) -> None:
    budget = TokenBudget(max_tokens=1)
    budget.add("taped", Tokens(1, 1))
    with replay_lines(tmp_path, answer_line("never requested")) as replay:
        client = guarded(make_client(replay, "payer"), Guardrails(budget=budget))
        with pytest.raises(GuardrailBlockedError, match="2 of 1 tokens"):
            request_completion(client)
        assert not replay.ledger.exchanges


def test_the_original_client_stays_as_it_is(tmp_path: Path) -> None:
    with replay_lines(tmp_path, answer_line("one"), answer_line("two")) as replay:
        client = make_client(replay, "payer")
        guarded(client, budget_of_one()).chat.completions.create(**REQUEST)
        reply = client.chat.completions.create(**REQUEST)
    assert reply.choices[0].message.content == "two"


async def test_one_budget_limits_two_clients_of_a_run(tmp_path: Path) -> None:
    guardrails = budget_of_one()
    with replay_lines(tmp_path, answer_line("one")) as replay:
        async with make_async_client(replay, "payer") as plain:
            await guarded(plain, guardrails).chat.completions.create(**REQUEST)
        client = guarded(autogen_agents.client(replay, "payer"), guardrails)
        with pytest.raises(GuardrailBlockedError, match="45 of 50"):
            await client.create([UserMessage(content="go on", source="user")])
        await client.close()


async def test_guarded_copies_of_one_client_do_not_share_their_budget(tmp_path: Path) -> None:
    async def request(client: Any) -> str:
        completion = await client.chat.completions.create(**REQUEST)
        return str(completion.choices[0].message.content)

    with replay_lines(tmp_path, *[answer_line("yes")] * 4) as replay:
        async with make_async_client(replay, "payer") as plain:
            copies = [guarded(plain, budget_of_one()) for _ in range(4)]
            assert await asyncio.gather(*map(request, copies)) == ["yes"] * 4
            with pytest.raises(GuardrailBlockedError):
                await request(copies[0])


async def test_a_team_ends_with_the_reason(tmp_path: Path) -> None:
    prices = {"taped": Price(1e6, 1e6)}
    guardrails = Guardrails(budget=TokenBudget(max_usd=50.0, prices=prices))
    with replay_lines(tmp_path, answer_line("one")) as replay:
        client = autogen_agents.client(replay, "payer", stream_options=None)
        agents = [
            AssistantAgent(name, guarded(client, guardrails, model="taped")) for name in ("a", "b")
        ]
        team = RoundRobinGroupChat(agents, termination_condition=MaxMessageTermination(9))  # type: ignore[arg-type] # a list of a subclass
        with pytest.raises(RuntimeError, match=r"45\.0000 of 50\.0000 US dollars"):
            await team.run(task="pay")
        await client.close()
    assert [check.guardrail for check in guardrails.blocked] == ["token_budget"]


async def look_up(number: str) -> str:
    """Look up an invoice."""
    return f"invoice {number}"


@pytest.mark.parametrize("is_tool", [False, True])
async def test_a_guarded_workbench_gives_the_model_the_reason(is_tool: bool) -> None:
    guardrails = Guardrails(CircuitBreaker(max_repeats=1))
    (tool,) = guarded([look_up], Guardrails())
    workbench = (
        StaticWorkbench(guarded([look_up], guardrails))
        if is_tool
        else guarded(StaticWorkbench([tool]), guardrails)
    )
    async with workbench:
        assert [schema["name"] for schema in await workbench.list_tools()] == ["look_up"]
        first, second = [await workbench.call_tool("look_up", {"number": "A"}) for _ in range(2)]
    assert (first.to_text(), first.is_error) == ("invoice A", False)
    assert second.is_error
    assert second.to_text().startswith("blocked: look_up was already called 1 times")


async def test_a_tool_that_streams_is_guarded_and_goes_on_to_stream(tmp_path: Path) -> None:
    with replay_lines(tmp_path, answer_line("inner")) as replay:
        client = autogen_agents.client(replay, "payer", stream_options=None)
        tool = guarded(
            AgentTool(AssistantAgent("payer", client)), Guardrails(CircuitBreaker(max_repeats=1))
        )
        workbench = StaticStreamWorkbench([tool])

        async def call(arguments: Mapping[str, Any]) -> list[Any]:
            stream = workbench.call_tool_stream("payer", arguments, CancellationToken())
            return [item async for item in stream]

        events = await call({"task": "pay"})
        (blocked,) = await call({"task": "pay"})
        await client.close()
    assert len(events) > 1
    assert events[-1].to_text() == "payer: inner"
    assert "already called 1 times" in blocked.to_text()


def test_another_object_is_refused() -> None:
    with pytest.raises(TypeError, match="found int"):
        guarded(3, Guardrails())
