"""uvicorn's HTTP/1.1 protocol, changed so that an application can reach and break its connection.

Input that is not valid HTTP gets an answer in the shape of the OpenAI API's errors.
"""

import asyncio
import logging
import socket
from array import array
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from scenarios.replay.http_server.unread_bytes import count_unread_bytes
from scenarios.replay.openai_api.errors import error_body

TRANSPORT_EXTENSION = "scenarios.transport"
"""The key in an ASGI scope's `extensions` that holds the connection's transport."""
MAX_HEAD_BYTES = 64 * 1024
"""The maximum size of a request's path and headers."""
REQUEST_TIMEOUT_S = 10.0
"""How long a client may take to send a head, and how long it may pause in a body."""
CLOSE_POLL_INTERVAL_S = 0.005
"""How often it is checked whether a connection can be closed."""
UPGRADE_HEADERS = frozenset({b"connection", b"upgrade", b"http2-settings"})
INVALID_HTTP_MESSAGE = (
    "This is not a valid HTTP/1.1 request. It needs a method, a path and headers in ASCII,"
    " and one numeric content-length or a chunked body."
)
WEBSOCKET_MESSAGE = "WebSockets are neither recorded nor replayed; let the client use plain HTTP."
STATUS_LINES = {
    400: b"400 Bad Request",
    408: b"408 Request Timeout",
    431: b"431 Request Header Fields Too Large",
    501: b"501 Not Implemented",
}


class UpgradeTolerantParser(httptools.HttpRequestParser):
    """A parser that stores the bytes after a request to upgrade the protocol."""

    after_upgrade: bytes | None = None

    def feed_data(self, data: "bytes | bytearray | memoryview | array[int]") -> None:
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.after_upgrade = bytes(data[upgrade.args[0] :])


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a breakable connection, and limits for heads and pauses.

    It has no logs, and ignores offers of an upgrade.
    """

    parser: UpgradeTolerantParser

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
        self.logger = logging.Logger("replay", logging.ERROR)  # has no handler: clients get errors
        self.parser = UpgradeTolerantParser(self)
        self._in_head = True
        self._heads = 0
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closes_when_read = False
        self.on_unread: Callable[[], None] | None = None
        """Called if the client goes away without having read the last response."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._restart_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)
        if self.on_unread is not None and (exc is not None or _was_reset(self.transport)):
            self.on_unread()

    def data_received(self, data: bytes) -> None:
        in_head, heads = self._in_head, self._heads
        super().data_received(data)
        if self.transport.is_closing():
            return
        if (after_upgrade := self.parser.after_upgrade) is not None:
            self._ignore_upgrade(after_upgrade)
        elif in_head and self._in_head and heads == self._heads:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._reject(431, f"The head of a request must end within {MAX_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._restart_timer()
        self.scope["extensions"] = {TRANSPORT_EXTENSION: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._heads += 1
        self._in_head = False
        self._head_bytes = 0
        self._restart_timer()
        self.on_unread = None  # the client asks again on this connection, so it has read all
        super().on_headers_complete()
        self._closes_when_read = (
            not self.pipeline
            and not self.cycle.keep_alive
            and self.parser.get_http_version() == "1.1"
        )
        if self._closes_when_read:
            self.cycle.keep_alive = True  # uvicorn would close the connection at once

    def on_body(self, body: bytes) -> None:
        self._restart_timer()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = True
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._closes_when_read:
            self._close_when_read()

    def _close_when_read(self) -> None:
        """Close the connection as requested, but not before it is known that all was read."""
        if self.transport.is_closing():
            return
        if count_unread_bytes(self.transport):
            self.loop.call_later(CLOSE_POLL_INTERVAL_S, self._close_when_read)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        self._reject(400, INVALID_HTTP_MESSAGE)

    def _restart_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(REQUEST_TIMEOUT_S, self._end_stalled_request)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_stalled_request(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        is_answering = cycle is not None and not (cycle.response_complete or cycle.more_body)
        if is_answering or self.flow.read_paused:
            # The client has begun its next request before the answer, and may wait for the answer.
            self._restart_timer()
        elif self.scope is None:  # no request has begun
            self.transport.close()
        else:
            part = "head" if self._in_head else "body"
            self._reject(408, f"The {part} of the request paused for {REQUEST_TIMEOUT_S:g} s.")

    def _ignore_upgrade(self, after_upgrade: bytes) -> None:
        """Serve a request as if it had not offered an upgrade, such as h2c by Java's client.

        The body of the request is in `after_upgrade`: the parser took it for the other protocol.
        """
        if (method := self.parser.get_method()) == b"CONNECT":
            self._reject(400, "This server is not a proxy; CONNECT is not supported.")
            return
        if any(
            name == b"upgrade" and b"websocket" in value.lower() for name, value in self.headers
        ):
            self._reject(501, WEBSOCKET_MESSAGE)
            return
        kept = [(name, value) for name, value in self.headers if name not in UPGRADE_HEADERS]
        head = b"".join(b"%b: %b\r\n" % header for header in kept)
        self.parser = UpgradeTolerantParser(self)
        request = b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, self.url, head, after_upgrade)
        super().data_received(request)

    def _reject(self, status: int, message: str) -> None:
        body = error_body(message)
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (STATUS_LINES[status], len(body), body)
        )
        self.transport.close()


def _was_reset(transport: asyncio.Transport) -> bool:
    """Return whether the client closed its end with unread bytes, which resets the connection."""
    connection: socket.socket = transport.get_extra_info("socket")
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
