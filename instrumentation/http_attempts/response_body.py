"""A body: that of a reply, read long after the request returned, and as likely to fail."""

import json
from typing import Protocol

import httpx

from patches.support.body_observer import observe_body

CHAT_STREAM_END = b"[DONE]"
"""What an OpenAI-compatible endpoint sends at the end of a whole stream of a chat."""
RESPONSES_STREAM_ENDS = tuple(
    b"\nevent: response.%b" % how for how in (b"completed", b"incomplete", b"failed")
)
"""What one sends before the last event of a stream of the Responses API."""
TAIL_BYTES = 64
"""As many bytes are kept of what has passed: more than either has."""


class FailureRecorder(Protocol):
    """The attempt that the body is a reply to: where it asked, and whom a failure is told to."""

    path: str

    def record_failure(
        self, name: str, *, message: str = "", error: BaseException | None = None
    ) -> None: ...
    def on_error(self, error: BaseException) -> None: ...


class ResponseBodyObserver:
    """The body of a reply, whose failure is the attempt's."""

    def __init__(self, response: httpx.Response, attempt: FailureRecorder) -> None:
        self._attempt = attempt
        self._tail = b""
        kind = response.headers.get("content-type", "")
        plain = "content-encoding" not in response.headers
        events = kind.startswith("text/event-stream") and plain
        self._is_chat_stream = events and attempt.path.endswith("/completions")
        self._is_responses_stream = events and attempt.path.endswith("/responses")
        self._has_end_marker = False
        self._has_ended = False
        self._json_body = bytearray() if kind.startswith("application/json") and plain else None

    def on_chunk(self, chunk: bytes) -> bytes:
        """Be told of each chunk."""
        seen = self._tail + chunk
        self._tail = seen[-TAIL_BYTES:]
        if self._is_responses_stream and not self._has_end_marker:
            self._has_end_marker = any(last in seen for last in RESPONSES_STREAM_ENDS)
        if self._json_body is not None:
            self._json_body += chunk
        return chunk

    def on_end(self, error: BaseException | None = None) -> None:
        """Be told that no more is coming; a second call changes nothing, and to read no further is
        no failure."""
        if self._has_ended:
            return
        self._has_ended = True
        if error is None:
            self._check_complete()
        elif not isinstance(error, GeneratorExit):
            self._record_break(error)

    def _record_break(self, error: BaseException) -> None:
        if (self._is_chat_stream or self._is_responses_stream) and isinstance(
            error, httpx.HTTPError
        ):
            self._attempt.record_failure("stream cut", error=error)
        else:
            self._attempt.on_error(error)

    def _check_complete(self) -> None:
        """A stream of completions says that it is whole, and what is called JSON is JSON."""
        if self._is_chat_stream and CHAT_STREAM_END not in self._tail:
            said = f"the stream ended without {CHAT_STREAM_END.decode()}"
            self._attempt.record_failure("stream cut", message=said)
        if self._is_responses_stream and not self._has_end_marker:
            self._attempt.record_failure(
                "stream cut", message="the stream ended without response.completed"
            )
        if self._json_body and not _is_json(self._json_body):
            self._attempt.record_failure(
                "malformed", message="the reply is called JSON, and is none"
            )


def observe_response(response: httpx.Response, attempt: FailureRecorder) -> None:
    """Have the attempt told of the body of its reply, as it is read."""
    observe_body(response, ResponseBodyObserver(response, attempt))


def _is_json(body: bytearray) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    except RecursionError:
        pass  # too deep for this reader, which is no fault of the reply
    return True
