"""Forward a request to a real server, and stream its response back to the client."""

from collections.abc import Callable, Mapping

import httpx

from scenarios.replay.http_server.connection import Connection, Scope

NOT_FORWARDED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "transfer-encoding",
    }
)
"""Headers of one connection only, which are not forwarded; httpx sets its own."""
TIMEOUT_S = 600.0


class UndecodableBodyError(Exception):
    """A body has a content encoding that cannot be decoded here, or not the one that it claims."""


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
        """
        headers = drop_headers(decode_headers(scope), NOT_FORWARDED) | {
            "accept-encoding": "identity"
        }
        async with self._client.stream(
            scope["method"], target, content=body, headers=headers
        ) as response:
            kept = drop_headers(dict(response.headers), NOT_FORWARDED)
            raw = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in kept.items()]
            await connection.start_response(response.status_code, raw)
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
    """Return a body without its content encoding, such as gzip. Raises `UndecodableBodyError`."""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "identity" or not body:
        return body
    with httpx.Client(trust_env=False) as client:
        decodable = client.headers["accept-encoding"].split(", ")
    if any(name.strip() not in decodable for name in encoding.split(",")):
        raise UndecodableBodyError(
            f"a body is encoded as {encoding!r}; this environment decodes {', '.join(decodable)}"
        )
    try:
        return httpx.Response(200, headers={"content-encoding": encoding}, content=body).content
    except httpx.DecodingError as error:
        raise UndecodableBodyError(f"a body is not encoded as {encoding!r}: {error}") from error


def decode_headers(scope: Scope) -> dict[str, str]:
    """Return the headers of a request, by lower-case name."""
    return {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}


def request_target(path: str, query: str) -> str:
    """Join a path and its query."""
    return f"{path}?{query}" if query else path


def drop_headers(headers: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    """Return the headers without those in `names`."""
    return {name: value for name, value in headers.items() if name not in names}
