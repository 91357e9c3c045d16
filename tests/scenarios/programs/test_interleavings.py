"""Parallel agents without names never swap replies, in any order of arrival."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.programs.use_tape import TapeSession, use_tape
from scenarios.tape.tape import Tape
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import reply_line

PROMPTS = (
    "You are Scout. You look around.",
    "You are Scout. You look around.",
    "You count what is there, and give a number.",
    "",
)
"""The system prompts of the agents; two agents have the same one."""
ANSWER = reply_line("x", "${task} ${step}", r"(?s)task (?P<task>\w+).*step (?P<step>\w+)\Z")
few_examples = settings(max_examples=12, deadline=None)


@dataclass(frozen=True)
class Call:
    """One call of an agent: the delay before it, streamed or not, and whether it is left early."""

    delay_ms: int
    streamed: bool
    left_early: bool


calls = st.builds(Call, st.integers(0, 5), st.booleans(), st.booleans())
runs = st.lists(
    st.lists(calls, min_size=1, max_size=3), min_size=len(PROMPTS), max_size=len(PROMPTS)
)


async def run_agent(
    http: httpx.AsyncClient, number: int, own_calls: list[Call], change: str
) -> list[str]:
    """Converse as an agent; each request has the earlier replies. Return the replies."""
    prompt = PROMPTS[number] + change
    messages = [{"role": "system", "content": prompt}] if PROMPTS[number] else []
    messages.append({"role": "user", "content": f"task {'abcd'[number]}"})
    replies = list[str]()
    for step, call in enumerate(own_calls):
        await asyncio.sleep(call.delay_ms / 1000)
        messages.append({"role": "user", "content": f"step {'rst'[step]}"})
        if call.left_early:
            await leave_early(http, messages)
        replies.append(await complete(http, messages, call.streamed))
        messages.append({"role": "assistant", "content": replies[-1]})
    return replies


async def leave_early(http: httpx.AsyncClient, messages: list[dict[str, str]]) -> None:
    """Close a stream after its first part, as a program does that changes its mind."""
    body = {"messages": messages, "stream": True}
    async with http.stream("POST", "/chat/completions", json=body) as response:
        assert response.status_code == 200
        await anext(response.aiter_raw())


async def complete(http: httpx.AsyncClient, messages: list[Any], streamed: bool) -> str:
    response = await http.post("/chat/completions", json={"messages": messages, "stream": streamed})
    assert response.status_code == 200, response.text
    if not streamed:
        return str(response.json()["choices"][0]["message"]["content"])
    frames = [line for line in response.text.split("\n\n") if line.startswith("data: {")]
    deltas = (httpx.Response(200, text=frame[6:]).json()["choices"] for frame in frames)
    return "".join(one[0]["delta"].get("content") or "" for one in deltas if one)


async def run_all(
    session: TapeSession, run: Sequence[list[Call]], change: str = ""
) -> list[list[str]]:
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=session.base_url, timeout=20, limits=limits) as http:
        agents = (run_agent(http, number, own, change) for number, own in enumerate(run))
        return list(await asyncio.gather(*agents))


@pytest.mark.long
@few_examples
@given(runs, st.randoms(use_true_random=False))
def test_each_agent_gets_its_own_replies_strictly_and_with_changed_prompts(
    run: Sequence[list[Call]], random: Any
) -> None:
    expected = [
        [f"{'abcd'[number]} {'rst'[step]}" for step in range(len(own))]
        for number, own in enumerate(run)
    ]
    other_delays = [
        [Call(random.randint(0, 5), call.streamed, call.left_early) for call in own] for own in run
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape.jsonl"
        with (
            live_endpoint(*[ANSWER] * 24) as live,
            use_tape(path, "all", live.base_url) as session,
        ):
            assert asyncio.run(run_all(session, run)) == expected
        assert Tape.load(path).lanes
        with use_tape(path) as session:
            assert asyncio.run(run_all(session, other_delays)) == expected
        assert session.refusals == ()
        # An answer that is left may have arrived whole in one run, and not in the other.
        assert {call_of(line.request) for line in session.unplayed_lines} <= {
            (f"task {'abcd'[number]}", f"step {'rst'[step]}")
            for number, own in enumerate(run)
            for step, call in enumerate(own)
            if call.left_early
        }
        with use_tape(path, tolerant=True) as session:
            assert asyncio.run(run_all(session, other_delays, " Be kind.")) == expected
        assert session.refusals == ()


def call_of(request: Any) -> tuple[str, str]:
    """Return the task and the step that a recorded request is about."""
    texts = [one["content"] for one in request["messages"] if one["role"] == "user"]
    return texts[0], texts[-1]


async def test_two_agents_that_ask_the_same_get_both_replies_once(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    messages = [{"role": "user", "content": "a random number"}]

    async def ask_twice(session: TapeSession) -> list[str]:
        async with httpx.AsyncClient(base_url=session.base_url) as http:
            return list(await asyncio.gather(*[complete(http, messages, False) for _ in "12"]))

    lines = [reply_line("x", "seven"), reply_line("x", "eleven")]
    with live_endpoint(*lines) as live, use_tape(path, "all", live.base_url) as session:
        await ask_twice(session)
    for _ in range(2):
        with use_tape(path) as session:
            assert sorted(await ask_twice(session)) == ["eleven", "seven"]
        assert session.unplayed_lines == ()
