"""Benchmark a streamed reply: the time that recording adds to its first token and to each event.

The same chat is run with and without tracing. What it does itself with each event, such as to
validate it, is thus in both.
"""

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

import mlflow
import orjson

from instrumentation.tracing import enable_tracing
from workflows.chat_stream import AGENT, StreamedChat
from workflows.model import Model
from workflows.support.chat import Conversation

ROUNDS = 15
WORDS = 500
OnChunk = Callable[[str, str], None]
Send = Callable[[str, OnChunk], Awaitable[object]]


def write_tape(folder: Path) -> Path:
    """Write the tape of the benchmark: a short reply, to open the connection, and a long one."""
    replies = "Hello.", " ".join(f"word{number}" for number in range(WORDS))
    lines = [{"lane": AGENT, "origin": "scripted", "reply": {"content": s}} for s in replies]
    file = folder / "stream.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return file


def run_benchmark(url: str, store: str) -> dict[str, float]:
    """Time a reply of `WORDS` words, read by `StreamedChat` without and with tracing.

    `url` is the address of another process, which serves that tape. Added figures are
    medians of the differences within a round.
    """
    timings: dict[str, list[tuple[float, float]]] = {"none": [], "ours": []}
    for round in range(ROUNDS + 2):
        mlflow.tracing.disable()
        none = _read(url)
        mlflow.tracing.enable()
        with enable_tracing(store, experiment="bench"):
            ours = _read(url)
        if round > 1:  # the first rounds pay for imports and caches
            timings["none"].append(none)
            timings["ours"].append(ours)
    pairs = list(zip(timings["ours"], timings["none"], strict=True))
    first_ms = {mode: statistics.median(s for s, _ in runs) * 1e3 for mode, runs in timings.items()}
    event_us = {
        mode: statistics.median(s for _, s in runs) * 1e6 / WORDS for mode, runs in timings.items()
    }
    added_us = statistics.median(ours - none for (_, ours), (_, none) in pairs) * 1e6 / WORDS
    return {
        "uninstrumented: ms to the first token": first_ms["none"],
        "ours: ms to the first token": first_ms["ours"],
        "ours: ms added to it": statistics.median(a - b for (a, _), (b, _) in pairs) * 1e3,
        "uninstrumented: µs an event, on the caller": event_us["none"],
        "ours: µs an event, on the caller": event_us["ours"],
        "ours: µs added to an event": added_us,
        "ours / uninstrumented, an event": statistics.median(a / b for (_, a), (_, b) in pairs),
    }


def _read(url: str) -> tuple[float, float]:
    urllib.request.urlopen(urllib.request.Request(f"{url}/rewind", method="POST")).close()
    return asyncio.run(_chat(url))


async def _chat(url: str) -> tuple[float, float]:
    chat = StreamedChat(Model("taped", f"{url}/v1", "taped"))
    async with chat.client() as client:

        async def send(message: str, on_chunk: OnChunk) -> None:
            chat.on_chunk = on_chunk
            await chat.take_turn(client, Conversation("bench"), message)

        return await _timed(send)


async def _timed(send: Send) -> tuple[float, float]:
    """The seconds until the long reply's first text, and the CPU seconds of the reading thread.

    The short reply before it opens the connection.
    """
    await send("hello", lambda agent, text: None)
    times: list[float] = []
    started_s, started_cpu_s = time.perf_counter(), time.thread_time()
    await send("go on", lambda agent, text: times.append(time.perf_counter()))
    return times[0] - started_s, time.thread_time() - started_cpu_s
