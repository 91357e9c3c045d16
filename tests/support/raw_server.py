"""A server that answers with bytes that no HTTP library would send."""

import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread

TIMEOUT_S = 5.0


@contextmanager
def serve_bytes(
    status: bytes, *headers: bytes, body: bytes = b"{}"
) -> Generator[tuple[str, list[bytes]]]:
    """Answer each request with this status, these header lines and this body.

    Yields the base URL, and the requests that were received.
    """
    length = b"content-length: %d" % len(body)
    head = [b"HTTP/1.1 " + status, b"content-type: application/json", length, *headers]
    head.append(b"connection: close")
    answer = b"\r\n".join([*head, b"", body])
    received = list[bytes]()

    def answer_each() -> None:
        with suppress(OSError):  # the listening socket is closed
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):  # a client may reset it
                    connection.settimeout(TIMEOUT_S)
                    received.append(connection.recv(65536))
                    connection.sendall(answer)
                    # To close with a part of the request unread would reset the connection.
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=answer_each, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", received
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT_S)
