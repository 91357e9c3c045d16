"""Send chat requests over bare sockets, so that a server and not a client is measured."""

import asyncio
import re
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from workflows.model import AGENT_HEADER

CONNECTIONS = 8


class ChatRequest:
    """The bytes of a chat request, and the last bytes of its answer."""

    def __init__(self, body: object, lane: str = "", *, stream: bool = False) -> None:
        content = orjson.dumps(body)
        header = f"{AGENT_HEADER}: {lane}\r\n" if lane else ""
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"content-type: application/json\r\n{header}content-length: {len(content)}\r\n\r\n"
        )
        self.content = head.encode() + content
        self.end = b"0\r\n\r\n" if stream else b"}"


async def send_over_sockets(base_url: str, requests: Sequence[ChatRequest]) -> float:
    """Send the requests over `CONNECTIONS` connections; return the requests per second."""
    port = urlsplit(base_url).port
    assert port is not None
    began = time.perf_counter()
    shares = (requests[number::CONNECTIONS] for number in range(CONNECTIONS))
    await asyncio.gather(*(_send(port, share) for share in shares))
    return len(requests) / (time.perf_counter() - began)


async def _send(port: int, requests: Sequence[ChatRequest]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request.content)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if length := re.search(rb"content-length: (\d+)", head):
            assert (await reader.readexactly(int(length[1]))).endswith(request.end)
        else:
            await reader.readuntil(request.end)
    writer.close()
    await writer.wait_closed()
