"""Benchmark a streamed reply: the time that recording adds to its first token and to each event."""

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

import orjson
from openai import AsyncOpenAI

from instrumentation.tracing import enable_tracing
from workflows.chat_stream import AGENT, StreamedChat
from workflows.model import AGENT_HEADER, Model
from workflows.support.chat import Conversation, build_prompt

ROUNDS = 15
WORDS = 500
OnChunk = Callable[[str, str], None]
Send = Callable[[str, OnChunk], Awaitable[object]]
Reader = Callable[[str], Coroutine[None, None, tuple[float, float]]]


def write_tape(folder: Path) -> Path:
    """Write the tape of the benchmark: a short reply, to open the connection, and a long one."""
    replies = "Hello.", " ".join(f"word{number}" for number in range(WORDS))
    lines = [{"lane": AGENT, "origin": "scripted", "reply": {"content": s}} for s in replies]
    file = folder / "stream.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return file


def run_benchmark(url: str, store: str) -> dict[str, float]:
    """Time a reply of `WORDS` words, read with openai's client alone and by `StreamedChat`.

    `url` is the address of another process, which serves that tape. Added figures are
    medians of the differences within a round.
    """
    timings: dict[str, list[tuple[float, float]]] = {"none": [], "ours": []}
    for round in range(ROUNDS + 2):
        none = _read(_plain, url)
        with enable_tracing(store, experiment="bench"):
            ours = _read(_recorded, url)
        if round > 1:  # the first rounds pay for imports and caches
            timings["none"].append(none)
            timings["ours"].append(ours)
    pairs = list(zip(timings["ours"], timings["none"], strict=True))
    first_ms = {mode: statistics.median(s for s, _ in runs) * 1e3 for mode, runs in timings.items()}
    event_us = {
        mode: statistics.median(s for _, s in runs) * 1e6 / WORDS for mode, runs in timings.items()
    }
    return {
        "uninstrumented: ms to the first token": first_ms["none"],
        "ours: ms to the first token": first_ms["ours"],
        "ours: ms added to it": statistics.median(a - b for (a, _), (b, _) in pairs) * 1e3,
        "uninstrumented: µs an event, on the caller": event_us["none"],
        "ours: µs an event, on the caller": event_us["ours"],
        "ours / uninstrumented, an event": statistics.median(a / b for (_, a), (_, b) in pairs),
    }


def _read(read: Reader, url: str) -> tuple[float, float]:
    urllib.request.urlopen(urllib.request.Request(f"{url}/rewind", method="POST")).close()
    return asyncio.run(read(url))


async def _plain(url: str) -> tuple[float, float]:
    """Read with openai's client alone."""
    headers = {AGENT_HEADER: AGENT}
    async with AsyncOpenAI(
        base_url=f"{url}/v1", api_key="taped", default_headers=headers
    ) as client:

        async def send(message: str, on_chunk: OnChunk) -> None:
            stream = await client.chat.completions.create(
                model="taped",
                messages=build_prompt(StreamedChat.system_prompt, (), message),
                stream=True,
                stream_options={"include_usage": True},
            )
            async for event in stream:
                for choice in event.choices:
                    if choice.delta.content:
                        on_chunk(AGENT, choice.delta.content)

        return await _timed(send)


async def _recorded(url: str) -> tuple[float, float]:
    """Read by the chat, with tracing on."""
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
