"""The line of an answer that a client aborts is offered again first, and the ledger says so."""

import asyncio
import socket
import time
from typing import Any

import httpx
import openai
import pytest

from scenarios.replay.faults import slow
from scenarios.replay.http_server.server import HOST
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.raw_http import chat_body, raw_request, send_raw
from tests.support.tapes import (
    MODEL,
    ask,
    make_async_client,
    make_client,
    make_tape,
    reply_line,
    user_message,
)

STREAM: Any = {"model": MODEL, "messages": user_message("go on"), "stream": True}
KEEP_ALIVE: Any = {"default_headers": {"connection": "keep-alive", "x-agent-name": "a"}}


def numbered_lines(count: int, words: int = 0) -> Any:
    return make_tape(*(reply_line("a", f"<{n}>" + " word" * words) for n in range(count)))


def deliveries(replay: ReplayServer) -> list[bool]:
    return [exchange.delivered for exchange in replay.ledger.exchanges]


@pytest.mark.long
@pytest.mark.parametrize("words", [2, 50, 5000])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("options", [{}, KEEP_ALIVE], ids=["close", "keep-alive"])
def test_a_stream_that_is_closed_early_is_offered_again_first(
    words: int, frames: int, options: Any
) -> None:
    with replay_tape(numbered_lines(4, words)) as replay:
        client = openai.OpenAI(
            base_url=replay.base_url,
            api_key="x",
            max_retries=0,
            default_headers={"x-agent-name": "a"} | options.get("default_headers", {}),
        )
        if not options:
            client = make_client(replay, "a")
        for _ in range(5):
            with client.chat.completions.create(**STREAM) as stream:
                for _ in range(frames):
                    next(stream)
            assert str(ask(client))[:3] == "<0>"
            httpx.post(f"{replay.url}/rewind")
        with client.chat.completions.create(**STREAM) as stream:
            next(stream)
        assert [str(ask(client))[:3] for _ in range(3)] == ["<0>", "<1>", "<2>"]
        assert deliveries(replay) == [False, True, True, True]
        assert replay.ledger.exchanges[0].output_tokens == 0
        client.close()


async def test_a_cancelled_stream_is_offered_again_first() -> None:
    with replay_tape(numbered_lines(2, 5)) as replay:
        async with make_async_client(replay, "a") as client:

            async def read_for_ever() -> None:
                async with await client.chat.completions.create(**STREAM) as stream:
                    async for _ in stream:
                        read.set()
                        await asyncio.Event().wait()

            for _ in range(3):
                read = asyncio.Event()
                task = asyncio.create_task(read_for_ever())
                await read.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            stream = await client.chat.completions.create(**STREAM)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(pieces).startswith("<0>")
    assert deliveries(replay) == [False] * 3 + [True]


@pytest.mark.parametrize("delay_s", [0.08, 0.1, 0.101, 0.102])
def test_an_answer_at_the_moment_of_the_clients_timeout_is_not_lost(delay_s: float) -> None:
    with replay_tape(numbered_lines(2), [slow("a", delay_s=delay_s)]) as replay:
        client = make_client(replay, "a", timeout=0.1, max_retries=2)
        assert [ask(client), ask(client)] == ["<0>", "<1>"]
    assert deliveries(replay).count(True) == 2
    assert [exchange.line for exchange in replay.ledger.exchanges if exchange.delivered] == [1, 2]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_never_read_is_not_delivered(stream: bool) -> None:
    with replay_tape(numbered_lines(2, 200)) as replay:
        for _ in range(3):
            with socket.create_connection((HOST, replay.port), timeout=5) as connection:
                connection.sendall(raw_request(chat_body(stream=stream)))
                while connection.recv(1, socket.MSG_PEEK) == b"":
                    pass
            assert send_raw(replay, raw_request(chat_body()))[1]["choices"][0]["message"][
                "content"
            ].startswith("<0>")
            assert deliveries(replay) == [False, True]
            httpx.post(f"{replay.url}/rewind")


def test_a_client_that_reads_slowly_gets_everything() -> None:
    with replay_tape(numbered_lines(2, 2000)) as replay:
        client = make_client(replay, "a")
        stream = client.chat.completions.create(**STREAM)
        first = next(stream)
        time.sleep(0.3)
        rest = list(stream)
        assert first.choices[0].delta.role == "assistant"
        assert rest[-1].choices[0].finish_reason == "stop"
        assert str(ask(client))[:3] == "<1>"
    assert deliveries(replay) == [True, True]


def test_a_client_that_stops_at_the_finish_reason_has_the_whole_answer() -> None:
    with replay_tape(numbered_lines(2, 20)) as replay:
        client = make_client(replay, "a")
        with client.chat.completions.create(**STREAM) as stream:
            while not next(stream).choices[0].finish_reason:
                pass
        assert str(ask(client))[:3] == "<1>"
    assert deliveries(replay) == [True, True]


def test_a_stream_that_another_client_is_reading_does_not_hold_up_the_lane() -> None:
    with (
        replay_tape(numbered_lines(2, 5000)) as replay,
        make_client(replay, "a").chat.completions.create(**STREAM) as stream,
    ):
        next(stream)
        assert str(ask(make_client(replay, "a", timeout=2)))[:3] == "<1>"
        assert len(list(stream)) > 100
    assert deliveries(replay) == [True, True]
