"""An open span: held open over many steps, active only inside them.

A span that stays active across the `yield` of an async generator leaks into whoever consumes it.
An open span is put on before each step and taken off after it, or, where a framework only tells of
a beginning and an end, put on at the one and taken off at the other. It ends once, with the truth.
What was opened beneath it and is open still then, such as a task that a tool started, is left to
the span above; the outermost takes it along.
"""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Self

from patches.support.span_errors import record_error

_INNERMOST: ContextVar["OpenSpan | None"] = ContextVar("innermost open span", default=None)


class AbandonedSpanError(Exception):
    """Recorded on a span whose parent ended before it did."""


class OpenSpan:
    """A span of `owner`: the agent, team, client … that it shows at work."""

    def __init__(
        self, owner: object, name: str, span_type: str, inputs: Any, attributes: dict[str, Any]
    ) -> None:
        import mlflow

        self.owner: Any = owner
        self.name = name
        self.outputs: Any = None
        self.is_ended = False
        self.is_complete = False
        """Whether the result is there: whoever stops listening then has missed nothing."""
        self.parent = _INNERMOST.get()
        self._children: dict[OpenSpan, None] = {}
        self._activation_tokens: Any = None
        if self.parent is not None:
            self.parent._children[self] = None
        self.span = mlflow.start_span_no_context(
            name, span_type=span_type, inputs=inputs, attributes=attributes
        )

    @staticmethod
    def innermost() -> "OpenSpan | None":
        """The span that the running code has put on last, of whatever kind."""
        return _INNERMOST.get()

    @staticmethod
    def end_open_spans(until: "OpenSpan | None", error: BaseException | None) -> None:
        """End and take off what was put on in this context after `until`, the last one first.

        Without an `error` of the work around it, what ends so has been given up.
        """
        span = _INNERMOST.get()
        while span is not None and span is not until and span._activation_tokens is not None:
            span.end(error or AbandonedSpanError("the span around it ended first"))
            span.deactivate()
            before, span = span, _INNERMOST.get()
            if span is before:  # put on in the context that this one was copied from
                return

    @classmethod
    def nearest(cls) -> Self | None:
        """The innermost open span of this kind around the running code."""
        span = _INNERMOST.get()
        while span is not None and not isinstance(span, cls):
            span = span.parent
        return span

    @classmethod
    def is_open_for(cls, owner: object) -> bool:
        """Whether the innermost span of this kind is `owner`'s: it calls itself, or `super()`."""
        nearest = cls.nearest()
        return nearest is not None and nearest.owner is owner

    @contextmanager
    def active(self) -> Generator[None]:
        """Be the current span, for MLflow and for us."""
        from mlflow.tracing.provider import safe_set_span_in_context

        token = _INNERMOST.set(self)
        try:
            with safe_set_span_in_context(self.span):
                yield
        finally:
            with suppress(ValueError):  # closed by the collector, in another context
                _INNERMOST.reset(token)

    def activate(self) -> None:
        """Be the current span from now on, in this context and in those copied from it."""
        from mlflow.tracing.provider import set_span_in_context

        self._activation_tokens = (_INNERMOST.set(self), set_span_in_context(self.span))

    def deactivate(self) -> None:
        """Give way to the span that was current when this one was put on."""
        from mlflow.tracing.provider import detach_span_from_context

        innermost, current = self._activation_tokens
        with suppress(ValueError):  # this context is another one, and keeps what it was given
            _INNERMOST.reset(innermost)
            detach_span_from_context(current)

    @contextmanager
    def lifetime(self) -> Generator[None]:
        """Be active for the whole block, and end with it."""
        try:
            with self.active():
                yield
        except BaseException as error:
            self.end(error)
            raise
        self.end()

    def record_item(self, item: Any) -> None:
        """Be told of what the work yields or returns; a kind of span keeps what it is about."""

    def end(self, error: BaseException | None = None) -> None:
        """End it once; a second call changes nothing."""
        if self.is_ended:
            return
        self.is_ended = True
        if self.parent is not None and not self.parent.is_ended:
            self.parent._children.pop(self, None)
            for child in self._children:
                child.parent = self.parent
            self.parent._children |= self._children
        else:
            own = error if error is not None and not isinstance(error, Exception) else None
            for child in list(self._children):
                child.end(own or AbandonedSpanError("the span around it ended first"))
        if error is not None:
            record_error(self.span, error)
        self.span.end(outputs=self.outputs)


async def trace_stream(
    open_span: Callable[[], OpenSpan], stream: AsyncIterator[Any]
) -> AsyncIterator[Any]:
    """Hand on what `stream` yields, under a span that is opened at the first step.

    The stream is closed before the span ends, so that what it does on its way out is recorded too.
    """
    span = open_span()
    try:
        try:
            while True:
                with span.active():
                    item = await anext(stream, _END)
                if item is _END:
                    break
                span.record_item(item)
                yield item
        finally:
            if (close := getattr(stream, "aclose", None)) is not None:
                with span.active():
                    await close()
    except BaseException as error:
        span.end(None if span.is_complete and isinstance(error, GeneratorExit) else error)
        raise
    span.end()


_END: Any = object()
