"""Observe the body of an httpx response, chunk by chunk, while its client reads it."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

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


def observe_body(response: httpx.Response, observer: BodyObserver) -> None:
    """Call `observer` while the body of `response`, not yet read, is read."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _AsyncObservedStream(response.stream, observer)
    elif isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _ObservedStream(response.stream, observer)


class _ObservedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, observer: BodyObserver) -> None:
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


class _AsyncObservedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, observer: BodyObserver) -> None:
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
