"""Findings of several agents in the shared state, and the tool results that support them."""

import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from autogen_core import CancellationToken

from instrumentation.tracing import enable_tracing
from workflows.support.media.synthetic_clip import make_clip
from workflows.support.media.tools import MediaTools


@pytest.fixture(autouse=True)
def _tracing(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=()):
        yield


@pytest.fixture
def tools() -> MediaTools:
    return MediaTools(make_clip(), httpx.AsyncClient(), "", key=lambda *request: request)


async def recall(tools: MediaTools) -> Any:
    return json.loads(
        await tools.create_recall_tool("verdict").run_json({}, CancellationToken(), call_id="1")
    )


async def test_without_findings_nothing_is_recalled(tools: MediaTools) -> None:
    assert await recall(tools) == {}


async def test_every_key_is_recalled_with_its_last_value(tools: MediaTools) -> None:
    tools.state.write("b", "two", author="x")
    tools.state.write("a", "one", author="x")
    tools.state.write("a", "three", author="x")
    assert await recall(tools) == {"a": "three", "b": "two"}


async def test_no_finding_is_lost_when_many_agents_append_at_once(tools: MediaTools) -> None:
    barrier = Barrier(8)

    def append(number: int) -> None:
        barrier.wait()
        tools.append_finding(f"agent_{number}", f"finding {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(8)))
    findings = (await recall(tools))["findings"]
    assert sorted(findings) == [f"[agent_{n}] finding {n}" for n in range(8)]
    assert tools.state.attributes()["flight_recorder.state.concurrent_write_count"] == 0


def test_each_finding_can_be_grounded_by_another_result(tools: MediaTools) -> None:
    tools.record_result("beeps", {"beeps": [0.8], "unit": "s"})
    tools.record_result("sound_offset", {"sound_offset": 120, "unit": "ms"})
    tools.append_finding("audio", "a beep at 0.8 s")
    entry = tools.append_finding("sync", "the sound is 120 ms late")
    assert entry.grounded_by == "sound_offset"


def test_one_guess_leaves_all_findings_ungrounded(tools: MediaTools) -> None:
    tools.record_result("sound_offset", {"sound_offset": 120, "unit": "ms"})
    tools.append_finding("audio", "a beep at 0.8 s")
    assert not tools.append_finding("sync", "the sound is 120 ms late").is_grounded
