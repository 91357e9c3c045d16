"""A forward: a request passed on to a real server as it came, and its answer passed back."""

from collections.abc import Mapping

import httpx

from scenarios.http_server.connection import Connection, Scope

HOP_BY_HOP = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "keep-alive",
        "transfer-encoding",
    }
)
TIMEOUT_S = 600.0


class ForwardingClient:
    """The way to one server; `origin` is its scheme, host and port."""

    def __init__(self, origin: str) -> None:
        self._client = httpx.AsyncClient(base_url=origin, timeout=TIMEOUT_S, trust_env=False)

    async def forward(
        self, scope: Scope, target: str, body: bytes, connection: Connection
    ) -> tuple[httpx.Response, bytes]:
        """Ask for `target`, a path with its query; pass all back as it comes, but for the end.

        Whoever calls writes down what was answered, then ends it with an empty part. Raises
        `httpx.TransportError` where there is no answer, or no more of it.
        """
        forwarded = drop_headers(decode_headers(scope), HOP_BY_HOP) | {
            "accept-encoding": "identity"
        }
        async with self._client.stream(
            scope["method"], target, content=body, headers=forwarded
        ) as response:
            kept = drop_headers(dict(response.headers), HOP_BY_HOP)
            raw = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in kept.items()]
            await connection.start_response(response.status_code, raw)
            whole = b""
            async for part in response.aiter_raw():
                whole += part
                await connection.send_part(part)
        return response, whole

    async def aclose(self) -> None:
        await self._client.aclose()


def decode_headers(scope: Scope) -> dict[str, str]:
    """The headers of a request, by their names in lower case."""
    return {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}


def request_target(path: str, query: str) -> str:
    """A path with its query, as a request asks for it."""
    return f"{path}?{query}" if query else path


def drop_headers(headers: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}
