"""A body: what came of a reply, heard as its client reads it, and how it came to its end.

Nothing is parsed before the end, so that a stream is not slowed.
"""

from collections.abc import Callable
from time import monotonic

import httpx

from patches.support.body_observer import observe_body


class ResponseBody:
    """The body of one reply. `ended` is called once, with what ended it early, if anything did."""

    def __init__(
        self, headers: httpx.Headers, on_complete: Callable[[BaseException | None], None]
    ) -> None:
        self._headers = headers
        self.content_type = headers.get("content-type", "").lower()
        self._ended = on_complete
        self._raw: list[bytes] = []
        self.is_ended = False
        self.first_chunk_s: float | None = None
        """When the first of it came, by the monotonic clock."""

    def on_chunk(self, chunk: bytes) -> bytes:
        """Be told of each chunk, as it came over the wire."""
        if self.first_chunk_s is None:
            self.first_chunk_s = monotonic()
        self._raw.append(chunk)
        return chunk

    def on_end(self, error: BaseException | None = None) -> None:
        """End it; a second call changes nothing."""
        if not self.is_ended:
            self.is_ended = True
            self._ended(error)

    def text(self) -> str:
        """What has come of it; of one that was compressed and broke off, what can be unpacked."""
        raw = b"".join(self._raw)
        if "content-encoding" not in self._headers:
            return raw.decode("utf-8-sig", "replace")
        packed = httpx.Response(200, headers=self._headers, stream=httpx.ByteStream(raw))
        parts = []
        try:
            for part in packed.iter_bytes():
                parts.append(part)
        except httpx.DecodingError:
            pass
        return b"".join(parts).decode("utf-8-sig", "replace")


def observe_response(
    response: httpx.Response, on_complete: Callable[[BaseException | None], None]
) -> ResponseBody:
    """The body of `response`, to be read, or read already by the transport it came through."""
    body = ResponseBody(response.headers, on_complete)
    if (content := _read_content(response)) is not None:
        unpacked = response.headers.copy()
        unpacked.pop("content-encoding", None)
        body = ResponseBody(unpacked, on_complete)
        body.on_chunk(content)
        body.on_end()
    else:
        observe_body(response, body)
    return body


def _read_content(response: httpx.Response) -> bytes | None:
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None
