"""Parallel agents never get each other's replies, in any order of arrival."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from scenarios.replay.faults import slow
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.tapes import MODEL, make_async_client, make_tape, reply_line, user_message
from workflows.model import AGENT_HEADER

LANES = ("ann", "bob", "cyd", "dan")
SAME_TEXT = "go on"
few_examples = settings(max_examples=30, deadline=None)


@dataclass(frozen=True)
class Call:
    """One call of an agent: the delay before it, the delay of the server, and streamed or not."""

    client_delay_ms: int
    server_delay_ms: int
    streamed: bool


agent_calls = st.builds(Call, st.integers(0, 4), st.sampled_from([0, 0, 0, 3]), st.booleans())
agent_runs = st.dictionaries(
    st.sampled_from(LANES), st.lists(agent_calls, min_size=1, max_size=4), min_size=2
)


async def ask_as_agent(openai: AsyncOpenAI, lane: str, text: str, call: Call) -> str:
    """Send a request in a lane and return the content of the answer."""
    await asyncio.sleep(call.client_delay_ms / 1000)
    ask = openai.chat.completions.create
    headers = {AGENT_HEADER: lane}
    if not call.streamed:
        got = await ask(model=MODEL, messages=user_message(text), extra_headers=headers)
        return got.choices[0].message.content or ""
    stream = await ask(model=MODEL, messages=user_message(text), extra_headers=headers, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


@pytest.mark.long
@few_examples
@given(agent_runs)
def test_parallel_agents_with_the_same_text_get_the_replies_of_their_lanes(
    run: dict[str, list[Call]],
) -> None:
    lines = [
        reply_line(lane, f"{lane} {n}") for lane, calls in run.items() for n in range(len(calls))
    ]
    lines.sort(key=lambda line: (line["reply"]["content"].split()[1], line["lane"]))
    faults = [
        slow(lane, n, call.server_delay_ms / 1000)
        for lane, calls in run.items()
        for n, call in enumerate(calls, 1)
        if call.server_delay_ms
    ]

    async def agent(openai: AsyncOpenAI, lane: str) -> list[str]:
        return [await ask_as_agent(openai, lane, SAME_TEXT, call) for call in run[lane]]

    async def together(replay: ReplayServer) -> list[list[str]]:
        async with make_async_client(replay) as openai:
            return await asyncio.gather(*(agent(openai, lane) for lane in run))

    with replay_tape(make_tape(*lines), faults) as replay:
        answers = asyncio.run(together(replay))
    for lane, got in zip(run, answers, strict=True):
        assert got == [f"{lane} {n}" for n in range(len(run[lane]))]
    assert replay.unplayed_lines == ()


@pytest.mark.long
@few_examples
@given(st.permutations(range(6)), st.lists(agent_calls, min_size=6, max_size=6))
def test_within_a_lane_content_decides_and_not_the_order_of_arrival(
    order: list[int], calls: list[Call]
) -> None:
    lines = [
        reply_line("ann", f"answer {n}, ${{x}}", f"question {n} (?P<x>\\w+)") for n in range(6)
    ]

    async def together(replay: ReplayServer) -> list[str]:
        async with make_async_client(replay) as openai:
            requests = (
                ask_as_agent(openai, "ann", f"question {n} word{n}", calls[n]) for n in order
            )
            return await asyncio.gather(*requests)

    with replay_tape(make_tape(*lines)) as replay:
        got = asyncio.run(together(replay))
    assert got == [f"answer {n}, word{n}" for n in order]


@pytest.mark.long
@few_examples
@given(st.lists(agent_calls, min_size=2, max_size=8))
def test_identical_requests_get_each_line_once(calls: list[Call]) -> None:
    async def together(replay: ReplayServer) -> list[str]:
        async with make_async_client(replay) as openai:
            return await asyncio.gather(
                *(ask_as_agent(openai, "ann", SAME_TEXT, call) for call in calls)
            )

    with replay_tape(
        make_tape(*(reply_line("ann", f"reply {n}") for n in range(len(calls))))
    ) as replay:
        got = asyncio.run(together(replay))
    assert Counter(got) == Counter(f"reply {n}" for n in range(len(calls)))
