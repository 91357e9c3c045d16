"""How many requests a second `serve` answers, alone in its process, under load from another one.

`measured()` returns {"plain": …, "streamed": …}, requests a second. The load is a bare client on
sockets, so that the server is what is measured; both share the machine's cores.
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


def measured(requests: int = 8000) -> dict[str, float]:
    """Requests a second, plain and streamed; the server gets a tape of as many lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape.jsonl"
        line = {"lane": "load", "origin": "scripted", "reply": {"content": SENTENCE}}
        path.write_bytes((orjson.dumps(line) + b"\n") * requests)
        return {
            "plain": _under_load(path, requests, stream=False),
            "streamed": _under_load(path, requests, stream=True),
        }


def _under_load(path: Path, requests: int, *, stream: bool) -> float:
    command = [sys.executable, "-c", SERVE.format(str(path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            said = (re.search(r"127\.0\.0\.1:(\d+)/v1", line) for line in server.stdout)
            port = int(next(found[1] for found in said if found))
            return asyncio.run(_load(port, requests, stream))
        finally:
            server.kill()


async def _load(port: int, requests: int, stream: bool) -> float:
    asked = _request(stream)
    end = b"0\r\n\r\n" if stream else b"}"
    began = time.perf_counter()
    each = [requests // CONNECTIONS] * CONNECTIONS
    await asyncio.gather(*(_ask(port, asked, end, count) for count in each))
    return sum(each) / (time.perf_counter() - began)


async def _ask(port: int, asked: bytes, end: bytes, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if length := re.search(rb"content-length: (\d+)", head):
            assert (await reader.readexactly(int(length[1]))).endswith(end)
        else:
            await reader.readuntil(end)
    writer.close()
    await writer.wait_closed()


def _request(stream: bool) -> bytes:
    system = {"role": "system", "content": "You write what the task asks for, and cite figures."}
    messages = [system, {"role": "user", "content": "Say in a few sentences how it was lost."}]
    body = orjson.dumps({"model": "taped", "messages": messages, "stream": stream})
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: replay\r\n"
        f"content-type: application/json\r\n{AGENT_HEADER}: load\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
