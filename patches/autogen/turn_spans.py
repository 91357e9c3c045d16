"""Record an AGENT span for each turn of each AutoGen agent, and call `on_turn` when it starts.

Teams call their agents' `on_messages_stream`, which MLflow does not record. It records `run` and
`on_messages`, but only of direct subclasses that exist when `autolog()` is called.
"""

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

from patches.autogen.team_spans import TeamSpan
from patches.patch import Patch
from patches.support.autolog_wrappers import (
    SAFE_PATCH_PARAMETERS,
    remove_autolog_wrappers_for_block,
)
from patches.support.call_wrapping import (
    OnResult,
    ignore_result,
    read_within,
    set_for_block,
    wrap_async_call,
)
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import lifetime, trace_stream
from patches.support.turn import Message, OnTurn, Turn, message_from_autogen

_UNFILTERED: ContextVar[tuple[object, Sequence[Any]] | None] = ContextVar(
    "unfiltered messages", default=None
)
"""The agent name and the messages of the outermost message filter around the running code.

A filter is an agent that wraps another one, has its name, and passes on only some messages.
"""


class TurnSpan(OpenSpan):
    """The span of an agent's turn.

    Attributes:
        concurrent_agents: The members of its team whose turns overlap with this one.
    """

    def __init__(self, agent: Any, inputs: Any, attributes: dict[str, Any]) -> None:
        outer = OpenSpan.innermost()
        while outer is not None and not isinstance(outer, TurnSpan | TeamSpan):
            outer = outer.parent
        # A turn inside another turn is not compared with the team's turns.
        team = outer if isinstance(outer, TeamSpan) else None
        self._active_turns: set[TurnSpan] = team.active_turns if team is not None else set()
        super().__init__(agent, agent.name, "AGENT", inputs, attributes)
        self.concurrent_agents = {turn.name for turn in self._active_turns}
        for turn in self._active_turns:
            turn.concurrent_agents.add(self.name)
        if team is not None:
            team.overlaps |= {frozenset((self.name, other)) for other in self.concurrent_agents}
        self._active_turns.add(self)

    def record_item(self, item: Any) -> None:
        """Record the reply, from a `Response` or a `TaskResult`; ignore other events."""
        if (reply := getattr(item, "chat_message", None)) is not None:
            self.outputs = message_from_autogen(reply).to_dict()
            self.is_complete = True
        elif hasattr(item, "stop_reason") and item.messages:
            self.outputs = message_from_autogen(item.messages[-1]).to_dict()
            self.is_complete = True

    def end(self, error: BaseException | None = None) -> None:
        if self.concurrent_agents and not self.is_ended:
            self.span.set_attribute(
                "flight_recorder.turn.alongside", sorted(self.concurrent_agents)
            )
        self._active_turns.discard(self)
        super().end(error)


def turn_spans_patch(on_turn: OnTurn) -> Patch:
    """Record turns; `on_turn` is called when a turn starts, before its span is opened."""
    wrap = partial(wrap_async_call, partial(_record_turn, on_turn))
    wrap_stream = partial(_wrap_stream, on_turn)
    return Patch(
        name="autogen.turn_spans",
        symptom="the agents of an AutoGen team have no span: their completions name no agent",
        upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
        versions={"mlflow": ">=3.10,<3.19", "autogen-agentchat": ">=0.7,<0.8"},
        delete_when="autolog() records `on_messages_stream` of every agent class",
        canary="tests/patches/autogen/test_turn_spans.py"
        "::test_upstream_autolog_names_the_agents_of_a_team",
        apply=partial(
            remove_autolog_wrappers_for_block,
            "mlflow.autogen",
            lambda cls, method: method in ("run", "on_messages"),
        ),
        methods={
            "autogen_agentchat.agents:BaseChatAgent.run": ("self, task", wrap),
            "autogen_agentchat.agents:BaseChatAgent.on_messages": ("self, messages", wrap),
            "autogen_agentchat.agents:BaseChatAgent.run_stream": ("self, task", wrap_stream),
            "autogen_agentchat.agents:BaseChatAgent.on_messages_stream": (
                "self, messages",
                wrap_stream,
            ),
        },
        wraps={
            "autogen_agentchat.agents:BaseChatAgent.name": "",
            "autogen_agentchat.agents:BaseChatAgent.description": "",
            "autogen_agentchat.agents:MessageFilterAgent.on_messages": "self, messages",
            "mlflow.autogen:safe_patch": SAFE_PATCH_PARAMETERS,
        },
    )


@contextmanager
def _record_turn(on_turn: OnTurn, agent: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    messages = _received_messages(args, kwargs)
    if _is_message_filter(agent):
        with _filter_context(agent, messages):
            yield ignore_result
    else:
        with lifetime(_open_turn_if_needed(agent, messages, on_turn)) as on_result:
            yield on_result


def _wrap_stream(on_turn: OnTurn, original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def record_stream(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        messages = _received_messages(args, kwargs)
        items: AsyncIterator[Any] = original(self, *args, **kwargs)
        if _is_message_filter(self):
            return read_within(partial(_filter_context, self, messages), items)
        return trace_stream(partial(_open_turn_if_needed, self, messages, on_turn), items)

    return record_stream


def _filter_context(agent: Any, messages: Sequence[Any]) -> AbstractContextManager[None]:
    """Remember what a filter received while it runs; of nested filters, the outermost counts."""
    return set_for_block(_UNFILTERED, (agent.name, _unfiltered_messages(agent, messages)))


def _unfiltered_messages(agent: Any, received: Sequence[Any]) -> Sequence[Any]:
    """Return the messages before filtering; without a filter, those that the agent received."""
    name, messages = _UNFILTERED.get() or (None, received)
    return messages if name == agent.name else received


def _is_message_filter(agent: Any) -> bool:
    from autogen_agentchat.agents import MessageFilterAgent

    return isinstance(agent, MessageFilterAgent)


def _received_messages(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[Any]:
    """Return the `messages` of `on_messages…`, or the `task` of `run…` as messages."""
    received = args[0] if args else kwargs.get("messages", kwargs.get("task"))
    if received is None:
        return ()
    if isinstance(received, str):
        return (Message("user", "TextMessage", received),)
    return received if isinstance(received, Sequence) else (received,)


def _open_turn_if_needed(agent: Any, messages: Sequence[Any], on_turn: OnTurn) -> TurnSpan | None:
    """Call `on_turn` and open a span, unless an agent's method calls another one, or `super()`."""
    if TurnSpan.is_open_for(agent):
        return None
    team = TeamSpan.nearest()
    by_id = {id(m): m if isinstance(m, Message) else message_from_autogen(m) for m in messages}
    received = tuple(by_id.values())
    offered = tuple(
        by_id.get(id(m)) or message_from_autogen(m) for m in _unfiltered_messages(agent, messages)
    )
    edges = team.take_new_edges(agent.name) if team is not None else ()
    outer_turn = TurnSpan.nearest()
    # An agent inside an agent of the same name takes part in the same turn.
    if outer_turn is None or outer_turn.name != agent.name:
        on_turn(Turn(agent.name, offered, received, edges))
    return TurnSpan(
        agent,
        inputs=[message.to_dict() for message in received],
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent.name,
            "gen_ai.agent.description": agent.description,
        },
    )
