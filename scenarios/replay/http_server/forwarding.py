"""Forward a request to a real server, and stream its response back to the client."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

import httpx

from scenarios.replay.http_server.connection import (
    MAX_BODY_MIB,
    BodyTooLargeError,
    Connection,
    Scope,
)

NOT_FORWARDED = frozenset(
    {
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"host",
        b"keep-alive",
        b"transfer-encoding",
    }
)
"""Headers of one connection only, which are not forwarded; httpx sets its own."""
TIMEOUT_S = 600.0
MIN_STATUS, MAX_STATUS = 200, 599
"""The statuses of responses, RFC 9110, 15."""
PART_BYTES = 512
"""How much of a compressed body is decoded at once: it may decode to thousands of times as much."""


class UndecodableBodyError(Exception):
    """A body has a content encoding that cannot be decoded here, or not the one that it claims."""


class UnknownStatusError(Exception):
    """A server answered with a status that HTTP does not have. `status` is sent in its place."""

    status = 502

    def __init__(self, found: int) -> None:
        super().__init__(
            f"The endpoint answered with status {found}; HTTP has none above {MAX_STATUS}."
        )


class ForwardingClient:
    """A client of one server; `origin` is its scheme, host and port."""

    def __init__(self, origin: str) -> None:
        self._client = httpx.AsyncClient(base_url=origin, timeout=TIMEOUT_S, trust_env=False)

    async def forward(
        self,
        scope: Scope,
        target: str,
        body: bytes,
        connection: Connection,
        on_part: Callable[[bytes], None] | None = None,
    ) -> tuple[httpx.Response, bytes]:
        """Request `target` (a path with its query) and stream the response to `connection`.

        `on_part` is called with each part of the body when it arrives.

        Both bodies pass as they are, encoded or not. Returns the response and its raw body. The
        response to the client is not ended yet: the caller logs the exchange first, and then sends
        the empty last part.

        Raises:
            httpx.TransportError: The server did not respond, or broke off.
            UnknownStatusError: The server's status cannot be passed on; nothing was sent yet.
        """
        headers = [*forwarded_headers(scope["headers"]), (b"accept-encoding", b"identity")]
        async with self._client.stream(
            scope["method"], target, content=body, headers=headers
        ) as response:
            if response.status_code > MAX_STATUS:
                raise UnknownStatusError(response.status_code)
            kept = forwarded_headers(response.headers.raw)
            await connection.start_response(response.status_code, kept)
            parts = list[bytes]()
            async for part in response.aiter_raw():
                if on_part is not None:
                    on_part(part)
                parts.append(part)
                await connection.send_part(part)
        return response, b"".join(parts)

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.aclose()


def decode_body(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a body without its content encoding, such as gzip.

    Raises:
        UndecodableBodyError: It has another encoding than it claims, or an unknown one.
        BodyTooLargeError: It decodes to more than `MAX_BODY_MIB`.
    """
    encoding = headers.get("content-encoding", "").lower()
    names = [name.strip().removeprefix("x-") for name in encoding.split(",")]  # RFC 9110, 8.4.1.3
    names = [name for name in names if name not in ("", "identity")]
    if not body:
        return body
    decodable = _decodable_encodings()
    if any(name not in decodable for name in names):
        raise UndecodableBodyError(
            f"a body is encoded as {encoding!r}; this environment decodes {', '.join(decodable)}"
        )
    try:
        for name in reversed(names):
            body = b"".join(_decode_parts(name, body))
    except httpx.DecodingError as error:
        raise UndecodableBodyError(f"a body is not encoded as {encoding!r}: {error}") from error
    return body


@cache
def _decodable_encodings() -> list[str]:
    """The encodings that httpx decodes here: it needs packages for some."""
    with httpx.Client(trust_env=False) as client:
        return client.headers["accept-encoding"].split(", ")


def _decode_parts(encoding: str, body: bytes) -> Iterator[bytes]:
    """Yield the parts of a body without one of its encodings, up to the maximum size."""
    parts = (body[start : start + PART_BYTES] for start in range(0, len(body), PART_BYTES))
    size = 0
    for part in httpx.Response(
        200, headers={"content-encoding": encoding}, content=parts
    ).iter_bytes():
        size += len(part)
        if size > MAX_BODY_MIB * 2**20:
            raise BodyTooLargeError
        yield part


def decode_headers(scope: Scope) -> dict[str, str]:
    """Return the headers of a request, by lower-case name."""
    return {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}


def request_target(path: str, query: str) -> str:
    """Join a path and its query."""
    return f"{path}?{query}" if query else path


def forwarded_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers without those in `NOT_FORWARDED`, as bytes: texts need not be ASCII."""
    lower = ((name.lower(), value) for name, value in headers)
    return [header for header in lower if header[0] not in NOT_FORWARDED]
