"""A gate: a door of 127.0.0.1 before a real server, which a test shuts, opens, or leaves ajar."""

import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

from tests.support.servers import find_free_port


class TcpProxy:
    """Forwards to a server. Shut, it refuses; deaf, it takes what comes, and no answer comes back.

    Hung, it lets nothing pass, and does not say so.
    """

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._server = (parts.hostname, parts.port)
        self._port = find_free_port()
        self._open: list[socket.socket] = []
        self.drops_answers = self.is_stalled = False
        self.url = f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Let what comes pass."""
        self.close()
        self.drops_answers = self.is_stalled = False
        listening = socket.create_server(("127.0.0.1", self._port))
        self._open = [listening]
        Thread(target=self._accept, args=[listening], daemon=True).start()

    def close(self) -> None:
        """Refuse what comes, and end what is under way."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open = []

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                Thread(target=self._pass, args=[client, server, False], daemon=True).start()
                Thread(target=self._pass, args=[server, client, True], daemon=True).start()

    def _pass(self, here: socket.socket, there: socket.socket, answer: bool) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                if self.drops_answers and answer:
                    break
                if not self.is_stalled:
                    there.sendall(data)
        for one in (here, there):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def run_proxy(server: str) -> Generator[TcpProxy]:
    """An open gate before this server."""
    gate = TcpProxy(server)
    gate.open()
    try:
        yield gate
    finally:
        gate.close()
