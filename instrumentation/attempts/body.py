"""A body: that of a reply, read long after the request returned, and as likely to fail."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from instrumentation.attempts.attempt import Attempt

DONE = b"[DONE]"
"""What an OpenAI-compatible endpoint sends at the end of a whole stream of a chat."""
LAST = tuple(b"\nevent: response.%b" % how for how in (b"completed", b"incomplete", b"failed"))
"""What one sends before the last event of a stream of the Responses API."""
WINDOW = 64
"""As many bytes are kept of what has passed: more than either has."""


class Body:
    """The body of a reply, whose failure is the attempt's."""

    def __init__(self, response: httpx.Response, attempt: "Attempt") -> None:
        self._attempt = attempt
        self._tail = b""
        kind = response.headers.get("content-type", "")
        plain = "content-encoding" not in response.headers
        events = kind.startswith("text/event-stream") and plain
        self._of_chat = events and attempt.path.endswith("/completions")
        self._of_responses = events and attempt.path.endswith("/responses")
        self._done = False
        self._whole = bytearray() if kind.startswith("application/json") and plain else None

    def passed(self, chunk: bytes) -> bytes:
        """Be told of each chunk."""
        seen = self._tail + chunk
        self._tail = seen[-WINDOW:]
        if self._of_responses and not self._done:
            self._done = any(last in seen for last in LAST)
        if self._whole is not None:
            self._whole += chunk
        return chunk

    def broke(self, error: BaseException) -> None:
        """Be told of what ended it early."""
        if (self._of_chat or self._of_responses) and isinstance(error, httpx.HTTPError):
            self._attempt.failed("stream cut", error=error)
        else:
            self._attempt.raised(error)

    def ended(self) -> None:
        """Be told that no more is coming: a stream of completions says that it is whole, and what
        is called JSON is JSON."""
        if self._of_chat and DONE not in self._tail:
            said = f"the stream ended without {DONE.decode()}"
            self._attempt.failed("stream cut", said=said)
        if self._of_responses and not self._done:
            self._attempt.failed("stream cut", said="the stream ended without response.completed")
        if self._whole and not _is_json(self._whole):
            self._attempt.failed("malformed", said="the reply is called JSON, and is none")


class SeenStream(httpx.AsyncByteStream):
    """The stream of a reply, seen as it is read."""

    def __init__(self, inner: httpx.AsyncByteStream, body: Body) -> None:
        self._inner = inner
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                yield self._body.passed(chunk)
        except GeneratorExit:
            raise
        except BaseException as error:
            self._body.broke(error)
            raise
        self._body.ended()

    async def aclose(self) -> None:
        await self._inner.aclose()


class SeenSyncStream(httpx.SyncByteStream):
    """The stream of a reply to a call that is not async, seen as it is read."""

    def __init__(self, inner: httpx.SyncByteStream, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                yield self._body.passed(chunk)
        except GeneratorExit:
            raise
        except BaseException as error:
            self._body.broke(error)
            raise
        self._body.ended()

    def close(self) -> None:
        self._inner.close()


def seen(response: httpx.Response, attempt: "Attempt") -> None:
    """Have the attempt told of the body of its reply, as it is read."""
    body = Body(response, attempt)
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = SeenStream(response.stream, body)
    elif isinstance(response.stream, httpx.SyncByteStream):
        response.stream = SeenSyncStream(response.stream, body)


def _is_json(body: bytearray) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    except RecursionError:
        pass  # too deep for this reader, which is no fault of the reply
    return True
