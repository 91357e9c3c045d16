"""The HTTP clients that completions are sent with (httpx, httpx2), and observers of replies.

Both may be in use at once, and neither needs to be installed: openai 2 and 3 accept clients of
either. A request, a response or an error comes from one of them.
"""

from collections.abc import AsyncIterator, Iterator
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from patches.support.call_wrapping import Around, Wrap, wrap_call
from patches.support.error_boundaries import OnExit

if TYPE_CHECKING:
    import httpx

HTTP_PACKAGES = ("httpx", "httpx2")
SEND = "_send_single_request"
"""The method through which a client sends each request, including redirects."""


@cache
def http_modules() -> tuple[Any, ...]:
    """Import and return those of httpx and httpx2 that are installed."""
    return tuple(import_module(name) for name in HTTP_PACKAGES if find_spec(name))


def http_module_of(response: Any) -> Any:
    """Return the module that a response comes from."""
    return next(module for module in http_modules() if isinstance(response, module.Response))


def is_http_response(value: Any) -> bool:
    """Return whether a value is a response of an HTTP client."""
    return any(isinstance(value, module.Response) for module in http_modules())


def is_http_error(error: BaseException) -> bool:
    """Return whether an HTTP client raised the error."""
    return any(isinstance(error, module.HTTPError) for module in http_modules())


def send_methods(around: Around) -> dict[str, tuple[str, Wrap]]:
    """Return `Patch.methods` that run each request of a client within `around(client, request)`.

    Nothing is imported.
    """
    installed = (name for name in HTTP_PACKAGES if find_spec(name))
    targets = (f"{name}:{cls}.{SEND}" for name in installed for cls in ("Client", "AsyncClient"))
    return dict.fromkeys(targets, ("self, request", partial(wrap_call, around)))


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
        self._stream, self._observer = stream, observer

    def __iter__(self) -> Iterator[bytes]:
        with OnExit(self._observer.on_end):
            for chunk in self._stream:
                yield self._observer.on_chunk(chunk)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._observer.on_end(GeneratorExit())


class _AsyncObservedStream:
    def __init__(self, stream: Any, observer: BodyObserver) -> None:
        self._stream, self._observer = stream, observer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with OnExit(self._observer.on_end):
            async for chunk in self._stream:
                yield self._observer.on_chunk(chunk)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._observer.on_end(GeneratorExit())
