"""A body: that of a reply, read long after the request returned, and as likely to fail."""

import json
from typing import Protocol

import httpx

from patches.support.body_observer import overheard

DONE = b"[DONE]"
"""What an OpenAI-compatible endpoint sends at the end of a whole stream of a chat."""
LAST = tuple(b"\nevent: response.%b" % how for how in (b"completed", b"incomplete", b"failed"))
"""What one sends before the last event of a stream of the Responses API."""
WINDOW = 64
"""As many bytes are kept of what has passed: more than either has."""


class Asker(Protocol):
    """The attempt that the body is a reply to: where it asked, and whom a failure is told to."""

    path: str

    def failed(self, name: str, *, said: str = "", error: BaseException | None = None) -> None: ...
    def raised(self, error: BaseException) -> None: ...


class Body:
    """The body of a reply, whose failure is the attempt's."""

    def __init__(self, response: httpx.Response, attempt: Asker) -> None:
        self._attempt = attempt
        self._tail = b""
        kind = response.headers.get("content-type", "")
        plain = "content-encoding" not in response.headers
        events = kind.startswith("text/event-stream") and plain
        self._of_chat = events and attempt.path.endswith("/completions")
        self._of_responses = events and attempt.path.endswith("/responses")
        self._done = False
        self._over = False
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

    def end(self, error: BaseException | None = None) -> None:
        """Be told that no more is coming; a second call changes nothing, and to read no further is
        no failure."""
        if self._over:
            return
        self._over = True
        if error is None:
            self._read_whole()
        elif not isinstance(error, GeneratorExit):
            self._broke(error)

    def _broke(self, error: BaseException) -> None:
        if (self._of_chat or self._of_responses) and isinstance(error, httpx.HTTPError):
            self._attempt.failed("stream cut", error=error)
        else:
            self._attempt.raised(error)

    def _read_whole(self) -> None:
        """A stream of completions says that it is whole, and what is called JSON is JSON."""
        if self._of_chat and DONE not in self._tail:
            said = f"the stream ended without {DONE.decode()}"
            self._attempt.failed("stream cut", said=said)
        if self._of_responses and not self._done:
            self._attempt.failed("stream cut", said="the stream ended without response.completed")
        if self._whole and not _is_json(self._whole):
            self._attempt.failed("malformed", said="the reply is called JSON, and is none")


def seen(response: httpx.Response, attempt: Asker) -> None:
    """Have the attempt told of the body of its reply, as it is read."""
    overheard(response, Body(response, attempt))


def _is_json(body: bytearray) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    except RecursionError:
        pass  # too deep for this reader, which is no fault of the reply
    return True
