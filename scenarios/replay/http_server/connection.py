"""One HTTP exchange, from the server's side: read the request, respond, or break the connection."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from scenarios.replay.http_server.protocol import TRANSPORT_EXTENSION, BreakableProtocol
from scenarios.replay.http_server.unread_bytes import count_unread_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON_CONTENT_TYPE = b"application/json"
NO_CONTENT_STATUS = 204
MAX_BODY_MIB = 64
"""The maximum size of a request's body."""
DISCARD_TIMEOUT_S = 10.0
"""How long the rest of a larger body is read and discarded: a client that is still sending would
not read the response."""


READ_POLL_INTERVAL_S = 0.001
"""How often it is checked whether the client has read what was sent."""


class BodyTooLargeError(Exception):
    """A body has more than `MAX_BODY_MIB`, as it is or decoded."""

    def __init__(self) -> None:
        super().__init__(f"a body is larger than {MAX_BODY_MIB} MiB")


class Connection:
    """The connection of one exchange; made from the three arguments of an ASGI application."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["extensions"][TRANSPORT_EXTENSION]["transport"]
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive
        self._send = send
        self._added_headers: list[tuple[bytes, bytes]] = []
        self._has_chunks = scope["http_version"] != "1.0"
        self._held_start: Message | None = None
        self._held_parts: list[bytes] = []

    @property
    def is_closing(self) -> bool:
        """Whether the client has gone away."""
        return self._transport.is_closing()

    async def read_body(self) -> bytes | None:
        """Read the complete body; None if the client went away before its end.

        Raises:
            BodyTooLargeError: The body is too large. The client has sent it all, or was too slow.
        """
        parts: list[bytes] = []
        bytes_left = MAX_BODY_MIB * 2**20
        if self._content_length > bytes_left:
            bytes_left = -1
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(bytes(message.get("body", b"")))
            bytes_left -= len(parts[-1])
            if bytes_left < 0:
                parts.clear()
                await self._discard_body(message)
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return b"".join(parts)

    @property
    def _content_length(self) -> int:
        """The declared length of the body; 0 if it is chunked."""
        return int(dict(self._headers).get(b"content-length", 0))

    async def _discard_body(self, message: Message) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_TIMEOUT_S):
                while message.get("more_body", False):
                    message = await self._receive()

    async def start_response(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the status and headers of a response whose body follows in parts.

        A client of HTTP/1.0 knows no parts without a length: it gets them together, at the end.
        """
        headers = [*headers, *self._added_headers]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        if self._has_chunks or b"content-length" in dict(headers):
            await self._send(start)
        else:
            self._held_start = start

    def add_header(self, name: bytes, value: bytes) -> None:
        """Add a header to the response, which is not sent yet."""
        self._added_headers.append((name, value))

    async def send_part(self, part: bytes, *, more: bool = True) -> None:
        """Send a part of the body; `more=False` ends the response."""
        if self._held_start is not None:
            self._held_parts.append(part)
            if more:
                return
            part = b"".join(self._held_parts)
            self._held_start["headers"].append((b"content-length", b"%d" % len(part)))
            await self._send(self._held_start)
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def send_response(
        self, status: int, content_type: bytes, body: bytes, *headers: tuple[bytes, bytes]
    ) -> None:
        """Send a complete response. One with status 204 has no body: RFC 9110, 15.3.5."""
        if status == NO_CONTENT_STATUS:
            body, about_body = b"", []
        else:
            length = (b"content-length", b"%d" % len(body))
            about_body = [(b"content-type", content_type), length]
        await self.start_response(status, [*about_body, *headers])
        await self.send_part(body, more=False)

    async def wait_until_gone(self, timeout_s: float | None = None) -> bool:
        """Wait until the client goes away; return False if it has not after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True

    async def wait_until_read(self) -> bool:
        """Wait until the client has read all that was sent; return False if it went away."""
        while not self.is_closing and count_unread_bytes(self._transport):  # noqa: ASYNC110
            await asyncio.sleep(READ_POLL_INTERVAL_S)  # the system has no event for it
        return not self.is_closing

    def call_if_unread(self, callback: Callable[[], None]) -> None:
        """Call `callback` if the client goes away without having read the complete response.

        Several callbacks are called in the order in which they were set. If the client has gone
        away already, `callback` is called at once.
        """
        protocol = self._transport.get_protocol()
        if protocol is None:  # the connection is closed
            callback()
            return
        assert isinstance(protocol, BreakableProtocol)
        before = protocol.on_unread

        def call_all() -> None:
            if before is not None:
                before()
            callback()

        protocol.on_unread = call_all

    async def break_connection(self) -> None:
        """Close the connection after the bytes sent so far, although the response is incomplete."""
        self._transport.close()
        await self.wait_until_gone()
