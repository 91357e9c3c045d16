"""Benchmark the replay server: requests per second, plain and streamed.

The server runs in a process of its own; it and the load share the machine's cores.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

from tests.bench.load import ChatRequest, send_over_sockets

SERVE = (
    "from pathlib import Path; from scenarios.programs.serve import serve_tape; "
    "from scenarios.tape.tape import Tape; "
    "serve_tape(Tape.load(Path({!r})))"
)
SENTENCE = "The probe came down to 57 km, where the atmosphere destroyed it."
MESSAGES = [
    {"role": "system", "content": "You write what the task asks for, and cite figures."},
    {"role": "user", "content": "Say in a few sentences how it was lost."},
]


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
    body = {"model": "taped", "messages": MESSAGES, "stream": stream}
    load = [ChatRequest(body, "load", stream=stream)] * requests
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            matches = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stdout)
            return asyncio.run(
                send_over_sockets(next(found[0] for found in matches if found), load)
            )
        finally:
            server.kill()
