"""Benchmark the replay server: requests per second, plain and streamed.

The server runs in a process of its own. The load comes from bare sockets, so that the server and
not a client is measured; both share the machine's cores.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from workflows.model import AGENT_HEADER

SERVE = (
    "from pathlib import Path; from scenarios.replay.serve import serve_tape; "
    "serve_tape(Path({!r}))"
)
CONNECTIONS = 8
SENTENCE = "The probe came down to 57 km, where the atmosphere destroyed it."


def run_benchmark(requests: int = 8000) -> dict[str, float]:
    """Return requests per second, plain and streamed; the tape has one line per request."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape.jsonl"
        line = {"lane": "load", "origin": "scripted", "reply": {"content": SENTENCE}}
        path.write_bytes((orjson.dumps(line) + b"\n") * requests)
        return {
            "plain": _requests_per_s(path, requests, stream=False),
            "streamed": _requests_per_s(path, requests, stream=True),
        }


def _requests_per_s(path: Path, requests: int, *, stream: bool) -> float:
    command = [sys.executable, "-c", SERVE.format(str(path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            matches = (re.search(r"127\.0\.0\.1:(\d+)/v1", line) for line in server.stdout)
            port = int(next(found[1] for found in matches if found))
            return asyncio.run(_send_all(port, requests, stream))
        finally:
            server.kill()


async def _send_all(port: int, requests: int, stream: bool) -> float:
    request = _build_request(stream)
    end = b"0\r\n\r\n" if stream else b"}"
    began = time.perf_counter()
    each = [requests // CONNECTIONS] * CONNECTIONS
    await asyncio.gather(*(_send(port, request, end, count) for count in each))
    return sum(each) / (time.perf_counter() - began)


async def _send(port: int, request: bytes, end: bytes, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if length := re.search(rb"content-length: (\d+)", head):
            assert (await reader.readexactly(int(length[1]))).endswith(end)
        else:
            await reader.readuntil(end)
    writer.close()
    await writer.wait_closed()


def _build_request(stream: bool) -> bytes:
    system = {"role": "system", "content": "You write what the task asks for, and cite figures."}
    messages = [system, {"role": "user", "content": "Say in a few sentences how it was lost."}]
    body = orjson.dumps({"model": "taped", "messages": messages, "stream": stream})
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"content-type: application/json\r\n{AGENT_HEADER}: load\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
