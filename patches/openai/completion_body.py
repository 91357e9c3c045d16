"""The body of a completion's HTTP response: collect it, parse it, and say what is wrong with it.

It is collected while the client reads it, and parsed only after its end, so that a stream is not
slowed down.
"""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

from patches.openai.reply_parsing import ParsedReply, parse_other_reply, parse_reply
from patches.support.http_clients import http_module_of, observe_body
from patches.support.span_errors import TruncatedStreamError, record_error

MAX_QUOTED_CHARS = 100
"""How much of an unexpected reply is quoted."""


class FailedReplyError(Exception):
    """Recorded on a completion whose reply reports an error or is not a completion."""


class CompletionBody:
    """The body of the response to a completion request.

    Attributes:
        origin: Host and port of the endpoint.
        first_chunk_s: When the first chunk arrived, by the monotonic clock.
        received_events: How many events of the stream the program received; None for all.
    """

    def __init__(
        self,
        response: Any,
        *,
        is_stream_requested: bool,
        reads_events: bool = False,
        is_completion: bool = True,
        on_complete: Callable[[BaseException | None], None] = lambda error: None,
    ) -> None:
        """Collect the body as it is read, or at once if the transport has read it already.

        `reads_events` says that the client of a framework reads a stream, and only its events.
        `is_completion` is false for embeddings, images and transcripts.
        `on_complete` is called once, with the error that ended the body early, if any.
        """
        self._http = http_module_of(response)
        self.origin = (response.url.host, response.url.port)
        self._headers = response.headers.copy()
        self._content_type = response.headers.get("content-type", "").lower()
        self._is_stream_requested = is_stream_requested
        self._reads_events = reads_events
        self._parse = parse_reply if is_completion else parse_other_reply
        self._on_complete = on_complete
        self._chunks: list[bytes] = []
        self._parsed: tuple[Any, ParsedReply] | None = None
        self.is_ended = False
        self.first_chunk_s: float | None = None
        self.received_events: int | None = None
        try:
            content = response.content
        except self._http.ResponseNotRead:
            observe_body(response, self)
        else:
            self._headers.pop("content-encoding", None)  # `content` is decompressed
            self.on_chunk(content)
            self.on_end()

    @property
    def is_stream(self) -> bool:
        """Whether the reply is a stream; not every endpoint declares that in the content type."""
        if self._content_type.startswith("text/event-stream"):
            return True
        is_declared_json = self._content_type.startswith("application/json")
        if not self._is_stream_requested or not is_declared_json:
            return self._is_stream_requested
        return not self._text().lstrip().startswith(("{", "["))

    def on_chunk(self, chunk: bytes) -> bytes:
        """Collect a chunk, as it came over the wire."""
        if self.first_chunk_s is None:
            self.first_chunk_s = monotonic()
        self._chunks.append(chunk)
        return chunk

    def on_end(self, error: BaseException | None = None) -> None:
        """End the body; a second call does nothing."""
        if not self.is_ended:
            self.is_ended = True
            self._on_complete(error)

    def parse(self) -> ParsedReply:
        """Return the reply as far as the program received it."""
        received = (len(self._chunks), self.received_events)
        if self._parsed is None or self._parsed[0] != received:
            reply = self._parse(
                self._text(), is_stream=self.is_stream, max_events=self.received_events
            )
            if self._is_unread_document:
                reply = replace(reply, outputs=None)
            self._parsed = (received, reply)
        return self._parsed[1]

    @property
    def _is_unread_document(self) -> bool:
        """Whether the program read events, and so received nothing of a reply that has none."""
        reads_events = self._reads_events or self.received_events is not None
        return reads_events and not self.is_stream

    def find_error(self, reply: ParsedReply) -> Exception | None:
        """Return what is wrong with a reply that was read to its end, or None."""
        if reply.error_message:
            return FailedReplyError(reply.error_message)
        start = self._text()[:MAX_QUOTED_CHARS]
        if self._is_unread_document:
            return FailedReplyError(f"the reply is no stream, as requested; it begins: {start!r}")
        if reply.is_complete and reply.outputs is not None:
            return None
        if self.is_stream and not reply.is_complete:
            return TruncatedStreamError("the stream ended before the reply was complete")
        return FailedReplyError(f"the reply is not a completion; it begins: {start!r}")

    def record_failure(self, span: Any, error: BaseException | None) -> BaseException | None:
        """Record on an MLflow span that the reply reports an error, or is no completion.

        Returns the error to end the span with: that of the client, which may not quote the reply,
        or else that of the reply.
        """
        reply = self.parse()
        problem = self.find_error(reply)
        if error is None:
            return problem if reply.error_message or self._is_unread_document else None
        if isinstance(error, Exception) and isinstance(problem, FailedReplyError):
            record_error(span, problem)
        return error

    def _text(self) -> str:
        """Return the body so far, decompressed as far as possible if it broke off."""
        raw = b"".join(self._chunks)
        if "content-encoding" not in self._headers:
            return raw.decode("utf-8-sig", "replace")
        stream = self._http.ByteStream(raw)
        compressed = self._http.Response(200, headers=self._headers, stream=stream)
        parts = []
        try:
            for part in compressed.iter_bytes():
                parts.append(part)
        except self._http.DecodingError:
            pass
        return b"".join(parts).decode("utf-8-sig", "replace")
