"""Replay keeps the recorded order of a fan-out, and the recorded pace, if it is told to."""

import asyncio
import time
from pathlib import Path

import httpx
import orjson
import pytest

from scenarios.programs.use_tape import TapeSession, use_tape
from scenarios.replay.faults import slow
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.tapes import make_tape, reply_line

AGENTS = ("ann", "bob", "cyd")


async def fan_out(session: TapeSession, order: tuple[str, ...]) -> list[str]:
    """Ask all agents at once, starting in this order; return them in the order of their replies."""
    arrived = list[str]()

    async def ask(http: httpx.AsyncClient, agent: str) -> None:
        await asyncio.sleep(order.index(agent) * 0.03)
        body = {"messages": [{"role": "user", "content": "go"}]}
        url = f"{session.base_url}/chat/completions"
        response = await http.post(url, json=body, headers={"x-agent-name": agent})
        assert response.status_code == 200, response.text
        arrived.append(agent)

    async with httpx.AsyncClient(timeout=20) as http:
        await asyncio.gather(*(ask(http, agent) for agent in AGENTS))
    return arrived


def record_fan_out(path: Path) -> list[str]:
    """Record a fan-out in which cyd answers first, then ann, then bob; return that order."""
    lines = [reply_line(agent, agent) for agent in AGENTS]
    faults = [slow("ann", 1, 0.2), slow("bob", 1, 0.4)]
    with (
        replay_tape(make_tape(*lines), faults) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        return asyncio.run(fan_out(session, AGENTS))


def test_replies_of_a_fan_out_come_in_the_recorded_order(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    recorded = record_fan_out(path)
    assert recorded == ["cyd", "ann", "bob"]
    for order in (("ann", "bob", "cyd"), ("bob", "ann", "cyd"), ("cyd", "bob", "ann")):
        with use_tape(path, keeps_order=True) as session:
            assert asyncio.run(fan_out(session, order)) == recorded
    with use_tape(path) as session:
        assert asyncio.run(fan_out(session, ("bob", "ann", "cyd"))) == ["bob", "ann", "cyd"]


def test_the_header_of_a_tape_can_ask_for_the_recorded_order(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    recorded = record_fan_out(path)
    head, *lines = path.read_text().splitlines()
    path.write_text(
        "\n".join([orjson.dumps(orjson.loads(head) | {"order": "recorded"}).decode(), *lines])
    )
    with use_tape(path) as session:
        assert asyncio.run(fan_out(session, ("bob", "ann", "cyd"))) == recorded


@pytest.mark.long
def test_a_line_that_is_never_requested_delays_the_others_only_once(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    record_fan_out(path)
    started_s = time.monotonic()
    with use_tape(path, keeps_order=True) as session:
        body = {"messages": [{"role": "user", "content": "go"}]}
        for agent in ("ann", "bob"):  # cyd, who was first, does not ask
            url, headers = f"{session.base_url}/chat/completions", {"x-agent-name": agent}
            httpx.post(url, json=body, headers=headers, timeout=20).raise_for_status()
    assert 4.5 < time.monotonic() - started_s < 9


def test_a_stream_is_replayed_frame_by_frame_at_the_recorded_pace(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    body = {"messages": [{"role": "user", "content": "go"}], "stream": True}
    with (
        replay_tape(make_tape(reply_line("a", "one two three")), [slow("a", 1, 0.3)]) as live,
        use_tape(path, "all", live.base_url) as session,
    ):
        live_text = read_stream(session, body)[0]
    (line,) = Tape.load(path).lines
    assert line.recorded is not None
    assert line.response is not None
    assert len(line.recorded["frames_ms"]) == len(line.response["frames"])
    assert line.recorded["frames_ms"][0] >= 300
    with use_tape(path, is_paced=True) as session:
        text, first_s = read_stream(session, body)
    assert text == live_text
    assert first_s >= 0.3
    with use_tape(path) as session:
        assert read_stream(session, body)[1] < 0.3


def read_stream(session: TapeSession, body: object) -> tuple[str, float]:
    """Return the text of a stream, and the seconds until its first part."""
    started_s = time.monotonic()
    url, headers = f"{session.base_url}/chat/completions", {"x-agent-name": "a"}
    first_s = 0.0
    text = ""
    with httpx.stream("POST", url, json=body, headers=headers) as response:
        for part in response.iter_text():
            first_s = first_s or time.monotonic() - started_s
            text += part
    return text, first_s
