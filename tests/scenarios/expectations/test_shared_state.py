"""Notes in a shared state: each expectation can hold, each can fail, and says what was seen."""

from typing import Any

import mlflow
import pytest

from instrumentation.state.shared_state import SharedState, StaleWriteError
from instrumentation.trace import trace as traces
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.expectations import Expectation
from scenarios.expectations.shared_state import overwrites_unread, preserves_writes

OVER = overwrites_unread("sync", "findings", written_by=("video", "audio"))
KEEPS = preserves_writes("video", "audio")


def wrote(
    author: str, value: Any, version: int, over: tuple[str, ...] = (), key: str = "findings"
) -> Span:
    told = {
        "flight_recorder.state.key": key,
        "flight_recorder.state.author": author,
        "flight_recorder.state.version": version,
    }
    unread = {"flight_recorder.state.replaces": [*over]} if over else {}
    return Span(f"write {key}", "STATE", inputs={"value": value}, attributes=told | unread)


def why_not(expectation: Expectation, *writes: Span) -> str | None:
    at_work = [Span(one, "AGENT", attributes={"gen_ai.agent.name": one}) for one in ("video",)]
    return expectation.explain_failure(
        Trace((Span("verification", "CHAIN", children=(*at_work, *writes)),))
    )


VIDEO, AUDIO = wrote("video", "3 frames", 1), wrote("audio", "cut at 2.4 s", 2, ("video",))
SYNC = wrote("sync", "no fault", 3, ("video", "audio"))


def test_who_writes_over_what_it_had_not_read_overwrites_it() -> None:
    assert why_not(OVER, VIDEO, AUDIO, SYNC) is None


def test_versions_tell_what_came_last_whatever_their_place_in_the_trace() -> None:
    assert why_not(OVER, SYNC, AUDIO, VIDEO) is None


def test_what_was_overwritten_is_not_kept() -> None:
    no = "what video wrote is gone; the slot was written by video, then audio, then sync"
    assert why_not(KEEPS, VIDEO, AUDIO, SYNC) == no


def test_who_had_read_what_was_there_overwrites_nobody() -> None:
    sync = wrote("sync", "no fault", 3, ("audio",))
    no = "it does not replace what video wrote unread; the slot was written by video, then audio"
    assert no in str(why_not(OVER, VIDEO, AUDIO, sync))


def test_who_writes_nothing_overwrites_nobody() -> None:
    no = "it does not replace what video, audio wrote unread; the slot was written by nobody"
    assert why_not(OVER) == no


def test_what_was_taken_along_unread_still_stands_there() -> None:
    sync = wrote("sync", ["3 frames", "no fault"], 3, ("video", "audio"))
    assert why_not(OVER, VIDEO, AUDIO, sync) == "what video wrote still stands there"


def test_what_stands_among_the_items_of_a_list_is_kept() -> None:
    audio = wrote("audio", ["3 frames", "cut at 2.4 s"], 2)
    assert why_not(KEEPS, wrote("video", ["3 frames"], 1), audio) is None


def test_what_stands_in_a_slot_of_its_own_is_kept() -> None:
    each = wrote("video", "3 frames", 1, key="video"), wrote("audio", "cut", 1, key="audio")
    assert why_not(KEEPS, *each) is None
    assert "the slot was written by nobody" in str(why_not(OVER, *each))


def test_who_noted_nothing_has_nothing_kept() -> None:
    assert why_not(KEEPS, VIDEO) == "audio wrote nothing; agents: video"


def test_a_write_that_was_refused_was_none(store: str) -> None:
    """As a real state leaves it in a trace: of audio's two writes the second came to pass."""
    state = SharedState()
    with enable_tracing(store, frameworks=()):
        with record_run() as run, mlflow.start_span("verification"):
            state.write("findings", "3 frames", author="video", expected_version=0)
            with pytest.raises(StaleWriteError):
                state.write("findings", "cut", author="audio", expected_version=0)
            state.write("findings", "cut", author="audio")
        trace = traces.trace_from_mlflow(stored.to_dict() for stored in run.traces())
    assert (
        overwrites_unread("audio", "findings", written_by=("video",)).explain_failure(trace) is None
    )
    assert "video, then audio" in str(KEEPS.explain_failure(trace))
