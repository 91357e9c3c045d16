"""The backlog: a store that takes nothing neither stops the program nor lets its memory grow."""

import logging
import sqlite3
import time
from pathlib import Path
from threading import Event

import mlflow
import pytest
from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue, Task

from instrumentation.tracing import enable_tracing

BIG = "x" * 10_000
MADE, ROOM = 60, 200_000


def crowded() -> int:
    """How many of MADE spans, of 10 KB each, wait behind a task that does not end."""
    queue, gate = AsyncTraceExportQueue(), Event()
    queue.put(Task(handler=gate.wait, args=()))
    for _ in range(MADE):
        span = mlflow.start_span_no_context("big", inputs=BIG)
        queue.put(Task(handler=lambda *_: None, args=("0", [span])))
    waiting = int(queue._queue.qsize())
    gate.set()
    queue.flush(terminate=True)
    return waiting


def test_what_waits_is_bounded_by_its_size(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_BACKLOG_BYTES", str(ROOM))
    with enable_tracing(store):
        assert crowded() < ROOM / len(BIG)


def test_room_comes_back_as_the_store_takes(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_BACKLOG_BYTES", str(ROOM))
    with enable_tracing(store):
        assert crowded() == crowded() > 5


@pytest.mark.xfail(
    raises=AssertionError, reason="the canary of patches.mlflow.export_queue.memory_limit"
)
def test_mlflow_alone_bounds_what_waits_by_its_size(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS", "1")
    mlflow.set_tracking_uri(store)
    assert crowded() < ROOM / len(BIG)


def test_a_store_that_takes_nothing_stops_no_program_and_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_BACKLOG_BYTES", str(ROOM))
    monkeypatch.setenv("MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", "50")
    database = tmp_path / "mlflow.db"
    with caplog.at_level(logging.ERROR, "patches.mlflow.export_queue.memory_limit"):
        with enable_tracing(f"sqlite:///{database}"):
            mlflow.start_span_no_context("first").end()
            mlflow.flush_trace_async_logging()
            with sqlite3.connect(database) as busy:
                busy.execute("begin exclusive")
                began = time.monotonic()
                for _ in range(MADE):
                    mlflow.start_span_no_context("big", inputs=BIG).end()
                    time.sleep(0.01)
                took_s = time.monotonic() - began
        (count,) = busy.execute("select count(*) from spans").fetchone()
    lost = int(caplog.messages[-1].removeprefix("For want of room, ").split()[0])
    assert took_s < 10
    assert len(caplog.messages) == 2
    assert lost > 0
    assert count + lost == MADE + 1
