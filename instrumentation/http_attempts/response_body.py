"""Observe a response body while the client reads it, and record if it breaks or is incomplete."""

import json
from typing import TYPE_CHECKING

from patches.openai.reply_parsing import parse_reply
from patches.support.http_clients import is_http_error

if TYPE_CHECKING:
    import httpx

    from instrumentation.http_attempts.failed_attempt import Attempt

CHAT_STREAM_END = b"[DONE]"
"""The last event of a complete stream of chat completions."""
RESPONSES_STREAM_ENDS = tuple(
    b"\nevent: response.%b" % status for status in (b"completed", b"incomplete", b"failed")
)
"""The last event of a complete stream of the Responses API."""


class ResponseBodyObserver:
    """Checks that a body arrives completely, and records a failure of its attempt if it does not.

    Streams of completions must contain their last event or a finish reason; a body with the content
    type JSON must be valid JSON.
    """

    def __init__(self, response: "httpx.Response", attempt: "Attempt") -> None:
        self._attempt = attempt
        self._chunks: list[bytes] = []
        content_type = response.headers.get("content-type", "")
        is_plain = "content-encoding" not in response.headers
        is_stream = content_type.startswith("text/event-stream") and is_plain
        self._is_json = content_type.startswith("application/json") and is_plain
        self._is_chat_stream = is_stream and attempt.path.endswith("/completions")
        self._is_responses_stream = is_stream and attempt.path.endswith("/responses")
        self._has_ended = False

    @property
    def _is_stream(self) -> bool:
        return self._is_chat_stream or self._is_responses_stream

    def on_chunk(self, chunk: bytes) -> bytes:
        """Handle a chunk, and return it unchanged."""
        if self._is_stream or self._is_json:
            self._chunks.append(chunk)
        return chunk

    def on_end(self, error: BaseException | None = None) -> None:
        """Handle the end of the body; only the first call counts.

        A client that stops reading (`GeneratorExit`) is not a failure.
        """
        if self._has_ended:
            return
        self._has_ended = True
        if error is None:
            self._check_complete(b"".join(self._chunks))
        elif not isinstance(error, GeneratorExit):
            self._record_break(error)
        self._chunks.clear()

    def _record_break(self, error: BaseException) -> None:
        if self._is_stream and is_http_error(error):
            self._attempt.record_cut_stream(error=error)
        else:
            self._attempt.record_error(error)

    def _check_complete(self, body: bytes) -> None:
        if self._is_stream and not self._is_stream_complete(body):
            end = "response.completed" if self._is_responses_stream else CHAT_STREAM_END.decode()
            message = f"the stream ended without {end}"
            self._attempt.record_cut_stream(message=message)
        if self._is_json and body and not _is_json(body):
            message = "the content type is JSON, but the body is not valid JSON"
            self._attempt.write_failure_span("malformed", message=message)

    def _is_stream_complete(self, body: bytes) -> bool:
        """Return whether the last event arrived, or else, which takes longer, another end.

        That is a finish reason, or an error that the endpoint reports.
        """
        ends = RESPONSES_STREAM_ENDS if self._is_responses_stream else (CHAT_STREAM_END,)
        tail = body if self._is_responses_stream else body[-64:]
        if any(end in tail for end in ends):
            return True
        reply = parse_reply(body.decode("utf-8", "replace"), is_stream=True)
        return reply.is_complete or bool(reply.error_message)


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    except RecursionError:
        pass  # nested too deep for Python's parser, which is not a fault of the response
    return True
