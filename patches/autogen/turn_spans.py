"""An AGENT span for each turn of each AutoGen agent, whoever drives it.

Teams drive their agents through `on_messages_stream`, which MLflow does not record; it records
`run` and `on_messages`, of direct subclasses that exist when `autolog()` is called.
"""

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from typing import Any

from patches.autogen.message_filters import filter_context, track_filter, unfiltered_messages
from patches.autogen.suspend_autolog import suspend_autogen_autolog
from patches.autogen.team_spans import TeamSpan
from patches.patch import Patch
from patches.support.open_span import OpenSpan, trace_stream
from patches.support.subclass_wrapping import wrap_in_subclasses
from patches.support.turn import Message, OnTurn, Turn, message_from_autogen


class TurnSpan(OpenSpan):
    """The span of an agent at work. It bears which others of its team were, at the same time."""

    def __init__(self, agent: Any, inputs: Any, attributes: dict[str, Any]) -> None:
        around = OpenSpan.innermost()
        while around is not None and not isinstance(around, TurnSpan | TeamSpan):
            around = around.parent
        # A turn inside another one is that one's own affair.
        self._active_turns: set[TurnSpan] = (
            around.active_turns if isinstance(around, TeamSpan) else set()
        )
        super().__init__(agent, agent.name, "AGENT", inputs, attributes)
        self.concurrent_agents = {other.name for other in self._active_turns}
        for other in self._active_turns:
            other.concurrent_agents.add(self.name)
        if isinstance(around, TeamSpan):
            around.overlaps |= {frozenset((self.name, other)) for other in self.concurrent_agents}
        self._active_turns.add(self)

    def record_item(self, item: Any) -> None:
        """Keep the reply, be it a `Response` or a `TaskResult`; other events pass by."""
        if (reply := getattr(item, "chat_message", None)) is not None:
            self.outputs = message_from_autogen(reply).to_dict()
            self.complete = True
        elif hasattr(item, "stop_reason") and item.messages:
            self.outputs = message_from_autogen(item.messages[-1]).to_dict()
            self.complete = True

    def end(self, error: BaseException | None = None) -> None:
        if self.concurrent_agents and not self.is_ended:
            self.span.set_attribute(
                "flight_recorder.turn.alongside", sorted(self.concurrent_agents)
            )
        self._active_turns.discard(self)
        super().end(error)


def turn_spans_patch(on_turn: OnTurn) -> Patch:
    """The patch; `on_turn` is told of each turn as it starts, before its span opens."""
    return Patch(
        name="autogen_turns",
        symptom="the agents of an AutoGen team have no span: their completions name no agent",
        upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
        versions={"mlflow": ">=3.10", "autogen-agentchat": ">=0.7,<0.8"},
        delete_when="autolog() records `on_messages_stream` of every agent class",
        canary="tests/patches/autogen/test_turn_spans.py::test_autolog_alone_names_the_agents_of_a_team",
        apply=lambda: _apply(on_turn),
    )


@contextmanager
def _apply(on_turn: OnTurn) -> Generator[None]:
    from autogen_agentchat.agents import BaseChatAgent, MessageFilterAgent

    def call(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        async def turn(self: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(self, MessageFilterAgent):
                with filter_context(self, _received_messages(args, kwargs)):
                    return await original(self, *args, **kwargs)
            if TurnSpan.is_open_for(self):  # a call to `super()`, or of one entry by another
                return await original(self, *args, **kwargs)
            span = _open_turn(self, _received_messages(args, kwargs), on_turn)
            with span.lifetime():
                reply = await original(self, *args, **kwargs)
                span.record_item(reply)
            return reply

        return turn

    def stream(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def turn(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            items: AsyncIterator[Any] = original(self, *args, **kwargs)
            if isinstance(self, MessageFilterAgent):
                return track_filter(self, _received_messages(args, kwargs), items)
            if TurnSpan.is_open_for(self):
                return items
            return trace_stream(
                partial(_open_turn, self, _received_messages(args, kwargs), on_turn), items
            )

        return turn

    with ExitStack() as stack:
        stack.enter_context(suspend_autogen_autolog("run", "on_messages"))
        for name in ("run", "on_messages"):
            stack.enter_context(wrap_in_subclasses(BaseChatAgent, name, call))
        for name in ("run_stream", "on_messages_stream"):
            stack.enter_context(wrap_in_subclasses(BaseChatAgent, name, stream))
        yield


def _received_messages(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[Any]:
    """What the agent is given: the `messages` of `on_messages…`, or the `task` of `run…`."""
    given = args[0] if args else kwargs.get("messages", kwargs.get("task"))
    if given is None:
        return ()
    if isinstance(given, str):
        return (Message("user", "TextMessage", given),)
    return given if isinstance(given, Sequence) else (given,)


def _open_turn(agent: Any, messages: Sequence[Any], on_turn: OnTurn) -> TurnSpan:
    """Tell of the turn, then open its span."""
    team = TeamSpan.nearest()
    texts = {id(m): m if isinstance(m, Message) else message_from_autogen(m) for m in messages}
    given = tuple(texts.values())
    offered = tuple(
        texts.get(id(m)) or message_from_autogen(m) for m in unfiltered_messages(agent, messages)
    )
    routes = team.take_new_edges(agent.name) if team is not None else ()
    outer = TurnSpan.nearest()
    if outer is None or outer.name != agent.name:  # else an agent that wraps one of its own name
        on_turn(Turn(agent.name, offered, given, routes))
    return TurnSpan(
        agent,
        inputs=[message.to_dict() for message in given],
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent.name,
            "gen_ai.agent.description": agent.description,
        },
    )
