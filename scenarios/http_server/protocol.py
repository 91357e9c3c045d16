"""A protocol: HTTP as uvicorn speaks it, on a connection that the application can reach and break.

What is no HTTP is answered as the API answers: with a sentence, in the shape of its errors.
"""

import logging
from array import array
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scenarios.replay.openai_api.errors import error

TRANSPORT = "scenarios.transport"
HEAD_BYTES = 64 * 1024
"""The longest head of a request, its path and headers, that is waited for."""
OFFER = frozenset({b"connection", b"upgrade", b"http2-settings"})
NO_HTTP = (
    "This is no request of HTTP/1.1: it has a method, a path and headers in ASCII,"
    " and one content-length, a number, or chunks."
)
STATUS = {400: b"400 Bad Request", 431: b"431 Request Header Fields Too Large"}


class Parser(httptools.HttpRequestParser):
    """httptools' own, which keeps what comes after the offer to speak another protocol."""

    rest: bytes | None = None

    def feed_data(self, data: "bytes | bytearray | memoryview | array[int]") -> None:
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self.rest = bytes(data[offer.args[0] :])


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's, without its log and its other protocols; and no head is read without end."""

    parser: Parser

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
        self.logger = logging.Logger("replay", logging.ERROR)  # the client is told what is amiss
        self.parser = Parser(self)
        self._in_head = True
        self._heads = 0
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        in_head, heads = self._in_head, self._heads
        super().data_received(data)
        if self.transport.is_closing():
            return
        if (rest := self.parser.rest) is not None:
            self._decline(rest)
        elif in_head and self._in_head and heads == self._heads:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(431, f"The head of a request has no end within {HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}

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
        self._refuse(400, NO_HTTP)

    def _decline(self, rest: bytes) -> None:
        """Serve a request as if nothing had been offered with it, such as h2c by Java's client.

        Its body comes after the offer, and the parser takes it for the other protocol's.
        """
        if (method := self.parser.get_method()) == b"CONNECT":
            self._refuse(400, "This is no proxy: CONNECT leads nowhere.")
            return
        kept = [(name, value) for name, value in self.headers if name not in OFFER]
        head = b"".join(b"%b: %b\r\n" % header for header in kept)
        self.parser = Parser(self)
        super().data_received(b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, self.url, head, rest))

    def _refuse(self, status: int, said: str) -> None:
        body = error(said)
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (STATUS[status], len(body), body)
        )
        self.transport.close()
