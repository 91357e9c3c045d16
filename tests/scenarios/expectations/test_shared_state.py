"""Expectations about shared state: each can hold and fail, and explains its failure."""

from typing import Any

import mlflow
import pytest

from instrumentation.state import SharedState, StaleWriteError
from instrumentation.trace import Span, Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from scenarios.expectations import (
    Expectation,
    overwrites_unread,
    preserves_writes,
)

OVERWRITES = overwrites_unread("sync", "findings", written_by=("video", "audio"))
PRESERVES = preserves_writes("video", "audio")


def write_span(
    author: str, value: Any, version: int, replaced: tuple[str, ...] = (), key: str = "findings"
) -> Span:
    attributes = {
        "flight_recorder.state.key": key,
        "flight_recorder.state.author": author,
        "flight_recorder.state.version": version,
    }
    if replaced:
        attributes["flight_recorder.state.replaces"] = [*replaced]
    return Span(f"write {key}", "STATE", inputs={"value": value}, attributes=attributes)


def failure_of(expectation: Expectation, *writes: Span) -> str | None:
    turn = Span("video", "AGENT", attributes={"gen_ai.agent.name": "video"})
    return expectation.explain_failure(
        Trace((Span("verification", "CHAIN", children=(turn, *writes)),))
    )


VIDEO, AUDIO = (
    write_span("video", "3 frames", 1),
    write_span("audio", "cut at 2.4 s", 2, ("video",)),
)
SYNC = write_span("sync", "no fault", 3, ("video", "audio"))


def test_a_write_over_unread_values_overwrites_them() -> None:
    assert failure_of(OVERWRITES, VIDEO, AUDIO, SYNC) is None


def test_versions_decide_which_write_was_last() -> None:
    assert failure_of(OVERWRITES, SYNC, AUDIO, VIDEO) is None


def test_an_overwritten_value_is_not_preserved() -> None:
    sentence = (
        "the last write of video is gone; the key was written by video, then audio, then sync"
    )
    assert failure_of(PRESERVES, VIDEO, AUDIO, SYNC) == sentence


def test_a_value_that_was_read_is_not_overwritten_unread() -> None:
    sync = write_span("sync", "no fault", 3, ("audio",))
    sentence = "it overwrites no unread value of video; the key was written by video, then audio"
    assert sentence in str(failure_of(OVERWRITES, VIDEO, AUDIO, sync))


def test_without_writes_nothing_is_overwritten() -> None:
    sentence = "it overwrites no unread value of video, audio; the key was written by nobody"
    assert failure_of(OVERWRITES) == sentence


def test_a_value_that_the_write_includes_is_preserved() -> None:
    sync = write_span("sync", ["3 frames", "no fault"], 3, ("video", "audio"))
    assert failure_of(OVERWRITES, VIDEO, AUDIO, sync) == "the value of video is preserved"


def test_an_item_of_a_list_is_preserved() -> None:
    audio = write_span("audio", ["3 frames", "cut at 2.4 s"], 2)
    assert failure_of(PRESERVES, write_span("video", ["3 frames"], 1), audio) is None


def test_a_value_under_its_own_key_is_preserved() -> None:
    writes = (
        write_span("video", "3 frames", 1, key="video"),
        write_span("audio", "cut", 1, key="audio"),
    )
    assert failure_of(PRESERVES, *writes) is None
    assert "the key was written by nobody" in str(failure_of(OVERWRITES, *writes))


def test_an_agent_that_wrote_nothing_is_reported() -> None:
    assert failure_of(PRESERVES, VIDEO) == "audio wrote nothing; agents at work: video"


def test_a_refused_write_does_not_count(store: str) -> None:
    """Records a real state: the first of audio's two writes is refused, the second succeeds."""
    state = SharedState()
    with enable_tracing(store, frameworks=()):
        with record_run() as run, mlflow.start_span("verification"):
            state.write("findings", "3 frames", author="video", expected_version=0)
            with pytest.raises(StaleWriteError):
                state.write("findings", "cut", author="audio", expected_version=0)
            state.write("findings", "cut", author="audio")
        trace = trace_from_mlflow(stored.to_dict() for stored in run.traces())
    assert (
        overwrites_unread("audio", "findings", written_by=("video",)).explain_failure(trace) is None
    )
    assert "video, then audio" in str(PRESERVES.explain_failure(trace))
