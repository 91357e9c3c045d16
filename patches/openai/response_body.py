"""Collect the body of an HTTP response while its client reads it, and note how it ended.

The body is parsed only after its end, so that a stream is not slowed down.
"""

from collections.abc import Callable
from time import monotonic

import httpx

from patches.support.body_observer import observe_body


class ResponseBody:
    """The body of one response.

    Attributes:
        content_type: The response's content type, in lower case.
        is_ended: Whether the body has ended.
        first_chunk_s: When the first chunk arrived, by the monotonic clock.
    """

    def __init__(
        self, headers: httpx.Headers, on_complete: Callable[[BaseException | None], None]
    ) -> None:
        """`on_complete` is called once, with the error that ended the body early, if any."""
        self._headers = headers
        self.content_type = headers.get("content-type", "").lower()
        self._on_complete = on_complete
        self._chunks: list[bytes] = []
        self.is_ended = False
        self.first_chunk_s: float | None = None

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

    def text(self) -> str:
        """Return the body so far, decompressed as far as possible if it broke off."""
        raw = b"".join(self._chunks)
        if "content-encoding" not in self._headers:
            return raw.decode("utf-8-sig", "replace")
        compressed = httpx.Response(200, headers=self._headers, stream=httpx.ByteStream(raw))
        parts = []
        try:
            for part in compressed.iter_bytes():
                parts.append(part)
        except httpx.DecodingError:
            pass
        return b"".join(parts).decode("utf-8-sig", "replace")


def observe_response(
    response: httpx.Response, on_complete: Callable[[BaseException | None], None]
) -> ResponseBody:
    """Return the body of a response, to be read later, or already read by the transport."""
    body = ResponseBody(response.headers, on_complete)
    if (content := _read_content(response)) is not None:
        decompressed_headers = response.headers.copy()
        decompressed_headers.pop("content-encoding", None)
        body = ResponseBody(decompressed_headers, on_complete)
        body.on_chunk(content)
        body.on_end()
    else:
        observe_body(response, body)
    return body


def _read_content(response: httpx.Response) -> bytes | None:
    """Return the content if the response has been read, else None."""
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None
