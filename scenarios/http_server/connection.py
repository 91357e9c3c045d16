"""A wire: one HTTP exchange under the server's hand, which can break it where a fault says."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from scenarios.http_server.protocol import TRANSPORT_EXTENSION

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY_MIB = 64
"""The largest body that is kept, of a request."""
DISCARD_TIMEOUT_S = 10.0
"""How long a larger one is read on, and thrown away, for a client hears nothing while it sends."""


class BodyTooLargeError(Exception):
    """Raised when a body has more than `LARGEST_MIB`."""


class Connection:
    """What an exchange does on its connection. Bodies and frames are bytes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["extensions"][TRANSPORT_EXTENSION]["transport"]
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive
        self._send = send

    @property
    def _content_length(self) -> int:
        """How long the client says that the body is; 0 where it comes in chunks."""
        return int(dict(self._headers).get(b"content-length", 0))

    @property
    def is_closing(self) -> bool:
        """The client has gone away."""
        return self._transport.is_closing()

    async def read_body(self) -> bytes | None:
        """The whole body of the request; None if the client left before its end.

        Raises `TooLarge`, when the client has sent it all or cannot be waited for.
        """
        parts: list[bytes] = []
        left = MAX_BODY_MIB * 2**20
        if self._content_length > left:
            left = -1
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(bytes(message.get("body", b"")))
            left -= len(parts[-1])
            if left < 0:
                parts.clear()
                await self._discard_body(message)
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _discard_body(self, message: Message) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_TIMEOUT_S):
                while message.get("more_body", False):
                    message = await self._receive()

    async def start_response(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send_part(self, part: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def send_response(
        self, status: int, content_type: bytes, body: bytes, *headers: tuple[bytes, bytes]
    ) -> None:
        """A whole response."""
        length = (b"content-length", b"%d" % len(body))
        await self.start_response(status, [(b"content-type", content_type), length, *headers])
        await self.send_part(body, more=False)

    async def wait_until_gone(self, timeout_s: float | None = None) -> bool:
        """Wait until the client has gone away; False if it is still there after `within_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True

    async def break_connection(self) -> None:
        """Send what was written, then close the connection, whatever the response still owes."""
        self._transport.close()
        await self.wait_until_gone()
