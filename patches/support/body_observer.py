"""Overheard: the body of a reply, heard chunk by chunk as its client reads it, to its end."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import httpx


class Hearer(Protocol):
    """Who hears it.

    The end is told with what ended it early, if anything did: `GeneratorExit` is a client that
    reads no further. What is closed after its end is told to have ended again.
    """

    def passed(self, chunk: bytes) -> bytes: ...
    def end(self, error: BaseException | None = None) -> None: ...


def overheard(response: httpx.Response, hearer: Hearer) -> None:
    """Have the body of `response`, which nobody has read yet, heard by `hearer`."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _AsyncOverheard(response.stream, hearer)
    elif isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Overheard(response.stream, hearer)


class _Overheard(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, hearer: Hearer) -> None:
        self._inner = inner
        self._hearer = hearer

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                yield self._hearer.passed(chunk)
        except BaseException as error:
            self._hearer.end(error)
            raise
        self._hearer.end()

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._hearer.end(GeneratorExit())


class _AsyncOverheard(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, hearer: Hearer) -> None:
        self._inner = inner
        self._hearer = hearer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                yield self._hearer.passed(chunk)
        except BaseException as error:
            self._hearer.end(error)
            raise
        self._hearer.end()

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._hearer.end(GeneratorExit())
