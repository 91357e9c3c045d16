"""A finding, noted in the shared state by several at once, and what it stands on."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from instrumentation.state.shared_state import SharedState
from instrumentation.tracing import enable_tracing
from workflows.findings import kept_together, recalled


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=()):
        yield


@pytest.fixture
def state() -> SharedState:
    return SharedState()


def test_nothing_is_recalled_before_anything_was_noted(state: SharedState) -> None:
    assert recalled(state, "verdict") == {}


def test_every_slot_that_was_written_is_recalled(state: SharedState) -> None:
    state.write("b", "two", author="x")
    state.write("a", "one", author="x")
    state.write("a", "three", author="x")
    assert recalled(state, "verdict") == {"a": "three", "b": "two"}


def test_of_many_who_note_at_once_none_is_lost(state: SharedState) -> None:
    together = Barrier(8)

    def note(number: int) -> None:
        together.wait()
        kept_together(state, f"agent_{number}", f"finding {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(8)))
    kept = recalled(state, "verdict")["findings"]
    assert sorted(kept) == [f"[agent_{n}] finding {n}" for n in range(8)]
    assert state.attributes()["flight_recorder.state.concurrent_write_count"] == 0


def test_each_of_several_findings_stands_on_a_result_of_its_own(state: SharedState) -> None:
    state.record_tool_result("beeps", '{"beeps": [0.8], "unit": "s"}')
    state.record_tool_result("sound_offset", '{"sound_offset": 120, "unit": "ms"}')
    kept_together(state, "audio", "a beep at 0.8 s")
    entry = kept_together(state, "sync", "the sound is 120 ms late")
    assert entry.grounded_by == "sound_offset"


def test_one_guess_among_the_findings_leaves_them_without_ground(state: SharedState) -> None:
    state.record_tool_result("sound_offset", '{"sound_offset": 120, "unit": "ms"}')
    kept_together(state, "audio", "a beep at 0.8 s")
    assert not kept_together(state, "sync", "the sound is 120 ms late").is_grounded
