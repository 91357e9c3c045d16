"""Observe a response body while the client reads it, and record if it breaks or is incomplete."""

import json
from typing import Protocol

import httpx

from patches.support.body_observer import observe_body

CHAT_STREAM_END = b"[DONE]"
"""The last event of a complete stream of chat completions."""
RESPONSES_STREAM_ENDS = tuple(
    b"\nevent: response.%b" % status for status in (b"completed", b"incomplete", b"failed")
)
"""The last event of a complete stream of the Responses API."""
TAIL_BYTES = 64
"""How many bytes of the previous chunks are kept: longer than each of the events above."""


class FailureRecorder(Protocol):
    """The attempt whose response body is observed."""

    path: str

    def record_failure(
        self, name: str, *, message: str = "", error: BaseException | None = None
    ) -> None: ...
    def on_error(self, error: BaseException) -> None: ...


class ResponseBodyObserver:
    """Checks that a body arrives completely, and records a failure of its attempt if it does not.

    Streams of completions must contain their last event; a body with the content type JSON must be
    valid JSON.
    """

    def __init__(self, response: httpx.Response, attempt: FailureRecorder) -> None:
        self._attempt = attempt
        self._tail = b""
        content_type = response.headers.get("content-type", "")
        is_plain = "content-encoding" not in response.headers
        is_stream = content_type.startswith("text/event-stream") and is_plain
        is_json = content_type.startswith("application/json") and is_plain
        self._is_chat_stream = is_stream and attempt.path.endswith("/completions")
        self._is_responses_stream = is_stream and attempt.path.endswith("/responses")
        self._has_end_marker = False
        self._has_ended = False
        self._json_body = bytearray() if is_json else None

    def on_chunk(self, chunk: bytes) -> bytes:
        """Handle a chunk, and return it unchanged."""
        window = self._tail + chunk
        self._tail = window[-TAIL_BYTES:]
        if self._is_responses_stream and not self._has_end_marker:
            self._has_end_marker = any(end in window for end in RESPONSES_STREAM_ENDS)
        if self._json_body is not None:
            self._json_body += chunk
        return chunk

    def on_end(self, error: BaseException | None = None) -> None:
        """Handle the end of the body; only the first call counts.

        A client that stops reading (`GeneratorExit`) is not a failure.
        """
        if self._has_ended:
            return
        self._has_ended = True
        if error is None:
            self._check_complete()
        elif not isinstance(error, GeneratorExit):
            self._record_break(error)

    def _record_break(self, error: BaseException) -> None:
        is_stream = self._is_chat_stream or self._is_responses_stream
        if is_stream and isinstance(error, httpx.HTTPError):
            self._attempt.record_failure("stream cut", error=error)
        else:
            self._attempt.on_error(error)

    def _check_complete(self) -> None:
        if self._is_chat_stream and CHAT_STREAM_END not in self._tail:
            message = f"the stream ended without {CHAT_STREAM_END.decode()}"
            self._attempt.record_failure("stream cut", message=message)
        if self._is_responses_stream and not self._has_end_marker:
            message = "the stream ended without response.completed"
            self._attempt.record_failure("stream cut", message=message)
        if self._json_body and not _is_json(self._json_body):
            message = "the content type is JSON, but the body is not valid JSON"
            self._attempt.record_failure("malformed", message=message)


def observe_response(response: httpx.Response, attempt: FailureRecorder) -> None:
    """Observe the body of a response as it is read, on behalf of its attempt."""
    observe_body(response, ResponseBodyObserver(response, attempt))


def _is_json(body: bytearray) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    except RecursionError:
        pass  # nested too deep for Python's parser, which is not a fault of the response
    return True
