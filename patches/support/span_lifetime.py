"""Keep an open span current during a block or a stream, and end it when that ends or fails."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import AbstractContextManager, aclosing, closing, contextmanager, nullcontext
from functools import partial, wraps
from typing import Any, Protocol

from patches.support.call_wrapping import OnResult, ignore_result, read_within
from patches.support.error_boundaries import OnError, OnExit
from patches.support.open_span import OpenSpan

_END: Any = object()


class OpenWork(Protocol):
    """An open span, or something that records like one."""

    @property
    def is_complete(self) -> bool: ...
    def active(self) -> AbstractContextManager[None]: ...
    def record_item(self, item: Any) -> None: ...
    def end(self, error: BaseException | None = None) -> None: ...


@contextmanager
def lifetime(work: OpenWork | None) -> Generator[OnResult]:
    """Make the span current for the block, and end it with the block.

    Yields a function that records the block's result. None if a span is open for this work already.
    """
    if work is None:
        yield ignore_result
        return
    with OnExit(work.end), work.active():
        yield work.record_item


@contextmanager
def end_spans_on_error() -> Generator[OpenSpan | None]:
    """End the spans that the block leaves open when an error ends it, with that error.

    Yields the open span around the block.
    """
    outer = OpenSpan.innermost()
    with OnError(partial(OpenSpan.end_open_spans, outer)):
        yield outer


@contextmanager
def pass_response_to(
    span_class: type[Any], client: Any, request: Any, *_: Any, **__: Any
) -> Generator[OnResult]:
    """Give the response to a request to the innermost open span, if that is of this class."""
    span: Any = OpenSpan.innermost()
    yield span.record_response if isinstance(span, span_class) else ignore_result


def wrap_stream(
    open_span: Callable[..., OpenWork | None], function: Callable[..., AsyncIterator[Any]]
) -> Callable[..., AsyncIterator[Any]]:
    """Return a function whose stream is traced: `open_span` is called with the same arguments."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        return trace_stream(partial(open_span, *args, **kwargs), function(*args, **kwargs))

    return wrapper


async def trace_stream(
    open_span: Callable[[], OpenWork | None], stream: AsyncIterator[Any]
) -> AsyncGenerator[Any]:
    """Yield the items of `stream` under a span that is opened when the first item is requested.

    `open_span` returns None if a span is open for this work: the stream of `super()` may be made
    before that, and is read inside it. The stream is closed before the span ends, so that its
    cleanup is recorded too.
    """
    span = open_span()
    if span is None:
        async with aclosing(read_within(nullcontext, stream)) as items:
            async for item in items:
                yield item
        return

    def end(error: BaseException | None) -> None:
        span.end(None if span.is_complete and isinstance(error, GeneratorExit) else error)

    with OnExit(end):
        async with aclosing(read_within(span.active, stream)) as items:
            async for item in items:
                span.record_item(item)
                yield item


def trace_generator(
    open_span: Callable[[], OpenWork], items: Generator[Any, Any, Any]
) -> Generator[Any]:
    """Yield the items of a synchronous generator under a span, as `trace_stream` does."""
    span = open_span()
    with OnExit(span.end), closing(items):
        while True:
            with span.active():
                item = next(items, _END)
            if item is _END:
                return
            span.record_item(item)
            yield item
