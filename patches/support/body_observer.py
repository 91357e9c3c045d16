"""Overheard: the body of a reply, heard chunk by chunk as its client reads it, to its end."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import httpx


class BodyObserver(Protocol):
    """Who hears it.

    The end is told with what ended it early, if anything did: `GeneratorExit` is a client that
    reads no further. What is closed after its end is told to have ended again.
    """

    def on_chunk(self, chunk: bytes) -> bytes: ...
    def on_end(self, error: BaseException | None = None) -> None: ...


def observe_body(response: httpx.Response, observer: BodyObserver) -> None:
    """Have the body of `response`, which nobody has read yet, heard by `hearer`."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _AsyncObservedStream(response.stream, observer)
    elif isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _ObservedStream(response.stream, observer)


class _ObservedStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, hearer: BodyObserver) -> None:
        self._inner = inner
        self._hearer = hearer

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                yield self._hearer.on_chunk(chunk)
        except BaseException as error:
            self._hearer.on_end(error)
            raise
        self._hearer.on_end()

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._hearer.on_end(GeneratorExit())


class _AsyncObservedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, hearer: BodyObserver) -> None:
        self._inner = inner
        self._hearer = hearer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                yield self._hearer.on_chunk(chunk)
        except BaseException as error:
            self._hearer.on_end(error)
            raise
        self._hearer.on_end()

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._hearer.on_end(GeneratorExit())
