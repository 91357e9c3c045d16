"""Record the agents of autogen-core: an AGENT span for each message that an agent handles.

A runtime handles messages in tasks of its own. Without this patch nothing connects them, and each
completion is a trace. With it, a handled message is below the span that sent it, and a message from
outside opens a span of the runtime, which ends when all messages that it led to are handled.

The members of teams are recorded as turns, by other patches.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any
from uuid import uuid4

from patches.autogen.core_span import CoreAgentSpan, RuntimeSpan
from patches.autogen.team_spans import TeamSpan
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_async_call, wrap_methods
from patches.support.error_boundaries import OnError
from patches.support.open_span import OpenSpan
from patches.support.span_errors import AbandonedSpanError
from patches.support.span_lifetime import lifetime


class SentMessages:
    """The messages that were sent but not handled, each with the span of its sender."""

    def __init__(self) -> None:
        self._senders: dict[str, list[tuple[OpenSpan, RuntimeSpan]]] = {}

    def add(self, message_id: str, runtime: Any, message: Any) -> None:
        """Add a message that is sent in the current context."""
        sender, runtime_span = OpenSpan.innermost(), RuntimeSpan.nearest()
        if sender is None or runtime_span is None or runtime_span.is_ended:
            sender = runtime_span = RuntimeSpan(runtime, message)
        runtime_span.unhandled_messages += 1
        self._senders.setdefault(message_id, []).append((sender, runtime_span))

    @contextmanager
    def handling(self, message_id: str) -> Generator[None]:
        """Make the sender's span current while the message is handled."""
        if not (senders := self._senders.get(message_id)):
            yield
            return
        sender, runtime_span = senders.pop(0)
        if not senders:
            del self._senders[message_id]
        try:
            with sender.active():
                yield
        finally:
            runtime_span.unhandled_messages -= 1
            if not runtime_span.unhandled_messages:
                runtime_span.end()

    def end_spans(self, runtime: Any = None) -> None:
        """End the spans of a runtime, or of all, that was stopped with unhandled messages."""
        for message_id, senders in list(self._senders.items()):
            if runtime is None or senders[0][1].owner is runtime:
                self.drop(message_id, AbandonedSpanError("the runtime left messages unhandled"))

    def drop(self, message_id: str, error: BaseException) -> None:
        """End the span of a runtime that does not handle a message."""
        for _, runtime_span in self._senders.pop(message_id, ()):
            runtime_span.unhandled_messages -= 1
            if not runtime_span.unhandled_messages:
                runtime_span.end(error)


@contextmanager
def _apply() -> Generator[None]:
    from autogen_core import BaseAgent, SingleThreadedAgentRuntime

    sent = SentMessages()
    wrap_send = partial(_wrap_send, sent)
    wrap_process = partial(wrap_async_call, partial(_handle_message, sent))
    wrap_stop = partial(wrap_async_call, partial(_stop_runtime, sent))
    wrapped = wrap_methods(
        (SingleThreadedAgentRuntime, "send_message", wrap_send),
        (SingleThreadedAgentRuntime, "publish_message", wrap_send),
        (SingleThreadedAgentRuntime, "stop", wrap_stop),
        (SingleThreadedAgentRuntime, "stop_when_idle", wrap_stop),
        (SingleThreadedAgentRuntime, "_process_send", wrap_process),
        (SingleThreadedAgentRuntime, "_process_publish", wrap_process),
        (BaseAgent, "on_message_impl", partial(wrap_async_call, _record_agent)),
    )
    try:
        with wrapped:
            yield
    finally:
        sent.end_spans()


def _wrap_send(sent: SentMessages, send: Callable[..., Any]) -> Callable[..., Any]:
    """Remember which span sent a message, by the message's id."""

    @wraps(send)
    async def recorded_send(self: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
        if TeamSpan.nearest() is not None or _is_sent_by_team(message):
            return await send(self, message, *args, **kwargs)
        message_id = kwargs["message_id"] = kwargs.get("message_id") or str(uuid4())
        sent.add(message_id, self, message)
        with OnError(partial(sent.drop, message_id)):
            return await send(self, message, *args, **kwargs)

    return recorded_send


def _is_sent_by_team(message: Any) -> bool:
    """Return whether a team sends a message to its members, as its `reset()` and `pause()` do."""
    return type(message).__module__.startswith("autogen_agentchat.teams.")


@contextmanager
def _stop_runtime(sent: SentMessages, runtime: Any, *_: Any, **__: Any) -> Generator[OnResult]:
    yield ignore_result
    sent.end_spans(runtime)


@contextmanager
def _handle_message(
    sent: SentMessages, runtime: Any, message_envelope: Any, *args: Any, **kwargs: Any
) -> Generator[OnResult]:
    with sent.handling(message_envelope.message_id):
        yield ignore_result


@contextmanager
def _record_agent(
    agent: Any, message: Any, ctx: Any, *args: Any, **kwargs: Any
) -> Generator[OnResult]:
    runtime_span = RuntimeSpan.nearest()
    is_in_team = TeamSpan.nearest() is not None
    handlers = getattr(agent, "_handlers", None)  # of a `RoutedAgent`, which ignores other messages
    is_ignored = handlers is not None and type(message) not in handlers
    if runtime_span is None or is_in_team or is_ignored or CoreAgentSpan.is_open_for(agent):
        yield ignore_result
        return
    span = CoreAgentSpan(agent, message)

    def pass_on(error: BaseException) -> None:
        if not ctx.is_rpc or span.parent is runtime_span:  # no agent waits for the response
            runtime_span.unhandled_error = error

    with OnError(pass_on), lifetime(span):
        yield span.record_item


PATCH = Patch(
    name="autogen.core_spans",
    symptom="agents of autogen-core have no span, and each of their completions is a trace",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10,<3.19", "autogen-core": ">=0.7,<0.8"},
    delete_when="autolog() records `SingleThreadedAgentRuntime` and `BaseAgent.on_message`",
    canary="tests/patches/autogen/test_core_spans.py"
    "::test_upstream_autolog_leaves_one_trace_for_a_message",
    apply=_apply,
    wraps={
        "autogen_core:SingleThreadedAgentRuntime.send_message": "self, message",
        "autogen_core:SingleThreadedAgentRuntime.publish_message": "self, message",
        "autogen_core:SingleThreadedAgentRuntime.stop": "self",
        "autogen_core:SingleThreadedAgentRuntime.stop_when_idle": "self",
        "autogen_core:SingleThreadedAgentRuntime._process_send": "self, message_envelope",
        "autogen_core:SingleThreadedAgentRuntime._process_publish": "self, message_envelope",
        "autogen_core:BaseAgent.on_message_impl": "self, message, ctx",
    },
)
