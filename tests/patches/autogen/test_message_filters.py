"""The turn of an agent inside a message filter shows which messages the filter withheld."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import MessageFilterAgent, MessageFilterConfig, PerSourceFilter
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_core import CancellationToken

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import (
    agent,
    chain,
    load_trace,
    replay_lines,
    reply_line,
    span_names,
)
from workflows.support.clients.autogen import FunctionFilterAgent


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def only_user_messages(messages: Sequence[BaseChatMessage]) -> Sequence[BaseChatMessage]:
    return [message for message in messages if message.source == "user"]


def all_messages(messages: Sequence[BaseChatMessage]) -> Sequence[BaseChatMessage]:
    return messages


def _withheld_by_handoff(trace: Trace) -> dict[str, Any]:
    return {
        handoff.name: handoff.attributes["flight_recorder.handoff.withheld"]
        for handoff in trace.spans_of_type("HANDOFF")
    }


LINES = reply_line("a", "the first word"), reply_line("b", "the second word")


async def test_a_custom_filter_shows_the_messages_that_it_withheld(
    tmp_path: Path,
) -> None:
    with replay_lines(tmp_path, *LINES) as replay, record_run() as run:
        await chain(
            agent(replay, "a"), FunctionFilterAgent(agent(replay, "b"), only_user_messages)
        ).run(task="go")
    trace = load_trace(run)
    assert span_names(trace, "AGENT") == ["a", "b"]
    assert _withheld_by_handoff(trace) == {"a → b": True}


async def test_of_nested_filters_the_outermost_defines_the_offered_messages(tmp_path: Path) -> None:
    only_users = MessageFilterConfig(per_source=[PerSourceFilter(source="user")])
    with replay_lines(tmp_path, *LINES) as replay, record_run() as run:
        inner = FunctionFilterAgent(agent(replay, "b"), all_messages)
        outer = MessageFilterAgent("b", inner, only_users)
        await chain(agent(replay, "a"), outer).run(task="go")
    assert _withheld_by_handoff(load_trace(run)) == {"a → b": True}


async def test_a_filter_does_not_affect_the_next_agent(tmp_path: Path) -> None:
    lines = (*LINES, reply_line("c", "the third word"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        filtered = FunctionFilterAgent(agent(replay, "b"), only_user_messages)
        await chain(agent(replay, "a"), filtered, agent(replay, "c")).run(task="go")
    assert _withheld_by_handoff(load_trace(run)) == {"a → b": True, "a → c": False, "b → c": False}


async def test_a_filter_called_directly_is_applied(tmp_path: Path) -> None:
    offered = [TextMessage(content=word, source=word) for word in ("user", "a")]
    with replay_lines(tmp_path, reply_line("b", "a word")) as replay, record_run() as run:
        await FunctionFilterAgent(agent(replay, "b"), only_user_messages).on_messages(
            offered, CancellationToken()
        )
    (turn,) = load_trace(run).turns("b")
    assert [message["source"] for message in turn.inputs] == ["user"]
