"""A streamed reply on the bench: what recording it adds to its first token and to each event."""

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

import orjson
from openai import AsyncOpenAI

from instrumentation.tracing import enable_tracing
from workflows.chat import Conversation, build_prompt
from workflows.chat_stream import AGENT, StreamedChat
from workflows.model import AGENT_HEADER, Model

ROUNDS = 15
WORDS = 500
Listener = Callable[[str, str], None]
Say = Callable[[str, Listener], Awaitable[object]]
Reader = Callable[[str], Coroutine[None, None, tuple[float, float]]]


def taped(folder: Path) -> Path:
    """A tape to be served to `measured`: a short reply, that connects, and a long one."""
    replies = "Hello.", " ".join(f"word{number}" for number in range(WORDS))
    lines = [{"lane": AGENT, "origin": "scripted", "reply": {"content": s}} for s in replies]
    file = folder / "stream.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return file


def measured(url: str, store: str) -> dict[str, float]:
    """A reply of `WORDS` words, read with openai's client alone and by `chat_stream`, in turn.

    `url` is where the tape of `taped` is served, by a process whose work is not counted. Added
    figures are medians of the differences within a round.
    """
    heard: dict[str, list[tuple[float, float]]] = {"none": [], "ours": []}
    for round in range(ROUNDS + 2):
        none = _read(_plain, url)
        with enable_tracing(store, experiment="bench"):
            ours = _read(_recorded, url)
        if round > 1:  # the first rounds pay for imports and caches
            heard["none"].append(none)
            heard["ours"].append(ours)
    pairs = list(zip(heard["ours"], heard["none"], strict=True))
    first_ms = {mode: statistics.median(s for s, _ in told) * 1e3 for mode, told in heard.items()}
    event_us = {
        mode: statistics.median(s for _, s in told) * 1e6 / WORDS for mode, told in heard.items()
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
    """Read with openai's client, and nothing else."""
    headers = {AGENT_HEADER: AGENT}
    async with AsyncOpenAI(
        base_url=f"{url}/v1", api_key="taped", default_headers=headers
    ) as client:

        async def say(said: str, hear: Listener) -> None:
            stream = await client.chat.completions.create(
                model="taped",
                messages=build_prompt(StreamedChat.system_prompt, (), said),
                stream=True,
                stream_options={"include_usage": True},
            )
            async for event in stream:
                for choice in event.choices:
                    if choice.delta.content:
                        hear(AGENT, choice.delta.content)

        return await _timed(say)


async def _recorded(url: str) -> tuple[float, float]:
    """Read by the workflow, and recorded."""
    chat = StreamedChat(Model("taped", f"{url}/v1", "taped"))
    async with chat.client() as client:

        async def say(said: str, hear: Listener) -> None:
            chat.on_chunk = hear
            await chat.take_turn(client, Conversation("bench"), said)

        return await _timed(say)


async def _timed(say: Say) -> tuple[float, float]:
    """Seconds until the long reply's first text, and the reading thread's CPU seconds for it all.

    The short reply before it has made the connection.
    """
    await say("hello", lambda who, text: None)
    times: list[float] = []
    began, busy = time.perf_counter(), time.thread_time()
    await say("go on", lambda who, text: times.append(time.perf_counter()))
    return times[0] - began, time.thread_time() - busy
