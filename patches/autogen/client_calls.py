"""Give each completion of an AutoGen client one span, even if `create` calls `super().create`.

A client whose `create` calls `super().create` leaves one span. If it does so again, as clients do
that retry or ask for several answers, each inner call gets a span of its own below the first one.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import time_ns
from typing import Any

from patches.autogen.completion_span import CompletionSpan

_CURRENT: ContextVar["ClientCall | None"] = ContextVar("current client call", default=None)


@dataclass(eq=False)
class ClientCall:
    """One call of a client's `create` or `create_stream`.

    Attributes:
        client: The client.
        method: The name of the method.
        messages: The messages that it was called with.
        arguments: The other arguments.
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
        token = _CURRENT.set(self)
        try:
            with self.span.active():
                yield
        finally:
            with suppress(ValueError):  # closed by the garbage collector, in another context
                _CURRENT.reset(token)

    @contextmanager
    def lifetime(self) -> Generator[None]:
        """Make this the current call for the block, and end it with the block."""
        try:
            with self.active():
                yield
        except BaseException as error:
            self.end(error)
            raise
        self.end()

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
        outer_span.hand_over(self.span)
        if self._result is not None:
            self.span.record_item(self._result)
        if self._end_time_ns is not None:
            self.span.end_time_ns = self._end_time_ns
            self.span.end(self._error)

    def _open_span(self) -> CompletionSpan:
        return CompletionSpan(
            self.client, self.method, self.messages, self.arguments, self._start_time_ns
        )
