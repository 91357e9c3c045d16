"""A TCP proxy in front of a real server, which a test can close, stall or make one-way."""

import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

from tests.support.servers import find_free_port


class TcpProxy:
    """Forwards connections to a server.

    Attributes:
        url: The proxy's address.
        drops_answers: Requests reach the server, but no answer comes back.
        is_stalled: Connections stay open, but nothing is forwarded.
    """

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._server = (parts.hostname, parts.port)
        self._port = find_free_port()
        self._sockets: list[socket.socket] = []
        self.drops_answers = self.is_stalled = False
        self.url = f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Accept and forward connections."""
        self.close()
        self.drops_answers = self.is_stalled = False
        listener = socket.create_server(("127.0.0.1", self._port))
        self._sockets = [listener]
        Thread(target=self._accept, args=[listener], daemon=True).start()

    def close(self) -> None:
        """Refuse new connections and break open ones."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets = []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                Thread(target=self._forward, args=[client, server, False], daemon=True).start()
                Thread(target=self._forward, args=[server, client, True], daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.drops_answers and is_answer:
                    break
                if not self.is_stalled:
                    target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def run_proxy(server: str) -> Generator[TcpProxy]:
    """Run an open proxy in front of this server."""
    proxy = TcpProxy(server)
    proxy.open()
    try:
        yield proxy
    finally:
        proxy.close()
