"""Record an LLM span for each completion of each AutoGen client, streamed or not.

MLflow records `create` of the client classes that exist when `autolog()` is called, and never
`create_stream`, so a team that streams leaves no LLM spans. MLflow's own spans are suspended, so
that both kinds look alike; its own helpers convert the content.

A client whose `create` calls `super().create` leaves one span. If it does so again, as clients do
that retry or ask for several answers, each inner call gets a span of its own below the first one.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from time import time_ns
from typing import Any

from patches.autogen.completion_span import CompletionSpan
from patches.patch import Patch
from patches.support.autolog_wrappers import (
    SAFE_PATCH_PARAMETERS,
    remove_autolog_wrappers_for_block,
)
from patches.support.call_wrapping import OnResult, set_for_block, wrap_async_call
from patches.support.http_clients import send_methods
from patches.support.span_lifetime import lifetime, pass_response_to, wrap_stream

_CURRENT: ContextVar["ClientCall | None"] = ContextVar("current client call", default=None)


@dataclass(eq=False)
class ClientCall:
    """One call of a client's `create` or `create_stream`.

    Attributes:
        outer: The call of the same client around it, or None.
        span: The span that records the call; an inner call may share it with the outer one.
    """

    client: Any
    method: str
    messages: Any
    arguments: Mapping[str, Any]
    outer: "ClientCall | None"
    span: CompletionSpan = field(init=False)
    _first_inner: "ClientCall | None" = None
    _result: Any = None
    _error: BaseException | None = None
    _end_time_ns: int | None = None

    def __post_init__(self) -> None:
        self._start_time_ns = time_ns()
        self._owns_span = True
        if self.outer is None:
            self.span = self._open_span()
        elif self.outer._first_inner is None:
            self.outer._first_inner = self
            self.span, self._owns_span = self.outer.span, False
        else:
            self.outer._first_inner.leave_outer_span()
            self.span = self._open_span()

    @classmethod
    def begin(
        cls, client: Any, method: str, messages: Any, arguments: Mapping[str, Any]
    ) -> "ClientCall":
        """Begin a call in the current context."""
        outer = _CURRENT.get()
        is_inner = outer is not None and CompletionSpan.is_open_for(client)
        return cls(client, method, messages, arguments, outer if is_inner else None)

    @property
    def is_complete(self) -> bool:
        return self.span.is_complete if self._owns_span else self._result is not None

    @contextmanager
    def active(self) -> Generator[None]:
        """Make this the current call, and its span the current span, for the block."""
        with set_for_block(_CURRENT, self), self.span.active():
            yield

    def record_item(self, item: Any) -> None:
        """Record a chunk of text, or the final result."""
        if self._owns_span:
            self.span.record_item(item)
        elif not isinstance(item, str):
            self._result = item

    def end(self, error: BaseException | None = None) -> None:
        """End the call, with the error that it raised."""
        self._error, self._end_time_ns = error, time_ns()
        if self._owns_span:
            self.span.end(error)

    def leave_outer_span(self) -> None:
        """Open a span for this call, which shared the outer call's; end it if the call is over."""
        if self._owns_span:
            return
        outer_span, self._owns_span = self.span, True
        with outer_span.active():
            self.span = self._open_span()
        outer_span.pass_reply_to_inner(self.span)
        if self._result is not None:
            self.span.record_item(self._result)
        if self._end_time_ns is not None:
            self.span.end_time_ns = self._end_time_ns
            self.span.end(self._error)

    def _open_span(self) -> CompletionSpan:
        return CompletionSpan(
            self.client, self.method, self.messages, self.arguments, self._start_time_ns
        )


def _record_create(
    client: Any, messages: Any, *args: Any, **kwargs: Any
) -> AbstractContextManager[OnResult]:
    return lifetime(ClientCall.begin(client, "create", messages, kwargs))


def _begin_stream(client: Any, messages: Any, *args: Any, **kwargs: Any) -> ClientCall:
    return ClientCall.begin(client, "create_stream", messages, kwargs)


PATCH = Patch(
    name="autogen.completion_spans",
    symptom="streamed completions, and those of clients defined late, leave no LLM span",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10,<3.19", "autogen-agentchat": ">=0.7,<0.8"},
    delete_when="autolog() records `create_stream`, and clients that are defined after it",
    canary="tests/patches/autogen/test_completion_spans.py"
    "::test_upstream_autolog_records_a_streamed_completion",
    apply=partial(
        remove_autolog_wrappers_for_block, "mlflow.autogen", lambda cls, method: method == "create"
    ),
    methods={
        **send_methods(partial(pass_response_to, CompletionSpan)),
        "autogen_core.models:ChatCompletionClient.create": (
            "self, messages",
            partial(wrap_async_call, _record_create),
        ),
        "autogen_core.models:ChatCompletionClient.create_stream": (
            "self, messages",
            partial(wrap_stream, _begin_stream),
        ),
    },
    wraps={"mlflow.autogen:safe_patch": SAFE_PATCH_PARAMETERS},
)
