"""A protocol: HTTP as uvicorn speaks it, on a connection that the application can reach and break.

What is no HTTP is answered as the API answers: with a sentence, in the shape of its errors.
"""

import logging
from array import array
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scenarios.replay.openai_api.errors import error_body

TRANSPORT_EXTENSION = "scenarios.transport"
MAX_HEAD_BYTES = 64 * 1024
"""The longest head of a request, its path and headers, that is waited for."""
UPGRADE_HEADERS = frozenset({b"connection", b"upgrade", b"http2-settings"})
INVALID_HTTP_MESSAGE = (
    "This is no request of HTTP/1.1: it has a method, a path and headers in ASCII,"
    " and one content-length, a number, or chunks."
)
STATUS_LINES = {400: b"400 Bad Request", 431: b"431 Request Header Fields Too Large"}


class UpgradeTolerantParser(httptools.HttpRequestParser):
    """httptools' own, which keeps what comes after the offer to speak another protocol."""

    after_upgrade: bytes | None = None

    def feed_data(self, data: "bytes | bytearray | memoryview | array[int]") -> None:
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self.after_upgrade = bytes(data[offer.args[0] :])


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's, without its log and its other protocols; and no head is read without end."""

    parser: UpgradeTolerantParser

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
        self.logger = logging.Logger("replay", logging.ERROR)  # the client is told what is amiss
        self.parser = UpgradeTolerantParser(self)
        self._in_head = True
        self._heads = 0
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        in_head, heads = self._in_head, self._heads
        super().data_received(data)
        if self.transport.is_closing():
            return
        if (rest := self.parser.after_upgrade) is not None:
            self._ignore_upgrade(rest)
        elif in_head and self._in_head and heads == self._heads:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._reject(
                    431, f"The head of a request has no end within {MAX_HEAD_BYTES} bytes."
                )

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT_EXTENSION: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._heads += 1
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._reject(400, INVALID_HTTP_MESSAGE)

    def _ignore_upgrade(self, after_upgrade: bytes) -> None:
        """Serve a request as if nothing had been offered with it, such as h2c by Java's client.

        Its body comes after the offer, and the parser takes it for the other protocol's.
        """
        if (method := self.parser.get_method()) == b"CONNECT":
            self._reject(400, "This is no proxy: CONNECT leads nowhere.")
            return
        kept = [(name, value) for name, value in self.headers if name not in UPGRADE_HEADERS]
        head = b"".join(b"%b: %b\r\n" % header for header in kept)
        self.parser = UpgradeTolerantParser(self)
        super().data_received(
            b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, self.url, head, after_upgrade)
        )

    def _reject(self, status: int, message: str) -> None:
        body = error_body(message)
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (STATUS_LINES[status], len(body), body)
        )
        self.transport.close()
