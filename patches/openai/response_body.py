"""A body: what came of a reply, heard as its client reads it, and how it came to its end.

Nothing is parsed before the end, so that a stream is not slowed.
"""

from collections.abc import Callable
from time import monotonic

import httpx

from patches.support.body_observer import overheard


class Body:
    """The body of one reply. `ended` is called once, with what ended it early, if anything did."""

    def __init__(
        self, headers: httpx.Headers, ended: Callable[[BaseException | None], None]
    ) -> None:
        self._headers = headers
        self.kind = headers.get("content-type", "").lower()
        self._ended = ended
        self._raw: list[bytes] = []
        self.over = False
        self.first_s: float | None = None
        """When the first of it came, by the monotonic clock."""

    def passed(self, chunk: bytes) -> bytes:
        """Be told of each chunk, as it came over the wire."""
        if self.first_s is None:
            self.first_s = monotonic()
        self._raw.append(chunk)
        return chunk

    def end(self, error: BaseException | None = None) -> None:
        """End it; a second call changes nothing."""
        if not self.over:
            self.over = True
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


def listened(response: httpx.Response, ended: Callable[[BaseException | None], None]) -> Body:
    """The body of `response`, to be read, or read already by the transport it came through."""
    body = Body(response.headers, ended)
    if (content := _content(response)) is not None:
        unpacked = response.headers.copy()
        unpacked.pop("content-encoding", None)
        body = Body(unpacked, ended)
        body.passed(content)
        body.end()
    else:
        overheard(response, body)
    return body


def _content(response: httpx.Response) -> bytes | None:
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None
