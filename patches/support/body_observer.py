"""Observe the body of an HTTP response, chunk by chunk, while its client reads it."""

from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from patches.support.http_clients import http_module_of

if TYPE_CHECKING:
    import httpx


class BodyObserver(Protocol):
    """Called with each chunk of a response body, and when the body ends."""

    def on_chunk(self, chunk: bytes) -> bytes:
        """Handle a chunk; return the chunk that the client gets."""

    def on_end(self, error: BaseException | None = None) -> None:
        """Handle the end of the body; may be called again when the response is closed.

        `error` is the error that ended it early. `GeneratorExit` means that the client stopped
        reading.
        """


def observe_body(response: "httpx.Response", observer: BodyObserver) -> None:
    """Call `observer` while the body of `response`, not yet read, is read."""
    module, stream = http_module_of(response), response.stream
    sync_class, async_class = _stream_classes(module)
    if isinstance(stream, module.AsyncByteStream):
        response.stream = async_class(stream, observer)
    elif isinstance(stream, module.SyncByteStream):
        response.stream = sync_class(stream, observer)


@cache
def _stream_classes(module: Any) -> tuple[Any, Any]:
    """Return the classes of observed streams, which must be streams of their HTTP client."""
    return (
        type("ObservedStream", (_ObservedStream, module.SyncByteStream), {}),
        type("AsyncObservedStream", (_AsyncObservedStream, module.AsyncByteStream), {}),
    )


class _ObservedStream:
    def __init__(self, stream: Any, observer: BodyObserver) -> None:
        self._stream = stream
        self._observer = observer

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                yield self._observer.on_chunk(chunk)
        except BaseException as error:
            self._observer.on_end(error)
            raise
        self._observer.on_end()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._observer.on_end(GeneratorExit())


class _AsyncObservedStream:
    def __init__(self, stream: Any, observer: BodyObserver) -> None:
        self._stream = stream
        self._observer = observer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield self._observer.on_chunk(chunk)
        except BaseException as error:
            self._observer.on_end(error)
            raise
        self._observer.on_end()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._observer.on_end(GeneratorExit())
