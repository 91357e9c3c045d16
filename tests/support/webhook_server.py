"""A webhook server on 127.0.0.1 that keeps the payloads it receives."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class ReceivedPayloads:
    """The URL of the server, and the received payloads in order."""

    url: str
    payloads: list[Any] = field(default_factory=list)


@contextmanager
def run_webhook_server(statuses: Sequence[int] = (200,)) -> Generator[ReceivedPayloads]:
    """Run a server that responds with these statuses in turn, and then repeats the last one."""
    received = ReceivedPayloads("")

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            status = statuses[min(len(received.payloads), len(statuses) - 1)]
            received.payloads.append(json.loads(self.rfile.read(length) or "null"))
            self.send_response(status)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        received.url = f"http://127.0.0.1:{server.server_address[1]}/services/T0/SECRETPATH"
        try:
            yield received
        finally:
            server.shutdown()
