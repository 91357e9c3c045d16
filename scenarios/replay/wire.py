"""A wire: one HTTP exchange under the server's hand, which can break it where a fault says."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRANSPORT = "scenarios.transport"


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, but the application can reach its connection; no access log."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class Wire:
    """What an exchange does on its connection. Bodies and frames are bytes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["extensions"][TRANSPORT]["transport"]
        self._receive = receive
        self._send = send

    @property
    def closing(self) -> bool:
        """The client has gone away."""
        return self._transport.is_closing()

    async def body(self) -> bytes | None:
        """The whole body of the request; None if the client left before its end."""
        whole = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            whole += bytes(message.get("body", b""))
            if not message.get("more_body", False):
                return whole

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, part: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def answer(
        self, status: int, content_type: bytes, body: bytes, *headers: tuple[bytes, bytes]
    ) -> None:
        """A whole response."""
        length = (b"content-length", b"%d" % len(body))
        await self.begin(status, [(b"content-type", content_type), length, *headers])
        await self.write(body, more=False)

    async def gone(self, within_s: float | None = None) -> bool:
        """Wait until the client has gone away; False if it is still there after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True

    async def break_off(self) -> None:
        """Send what was written, then close the connection, whatever the response still owes."""
        self._transport.close()
        await self.gone()
