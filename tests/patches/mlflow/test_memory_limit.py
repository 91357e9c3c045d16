"""A slow store neither blocks the program nor lets its memory grow without bound."""

import logging
import sqlite3
import time
from pathlib import Path
from threading import Event

import mlflow
import pytest
from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue, Task

from instrumentation.tracing import enable_tracing

LONG_TEXT = "x" * 10_000
SPAN_COUNT, MAX_BYTES = 60, 200_000


def count_queued_spans() -> int:
    """Put SPAN_COUNT spans of 10 KB behind a task that does not end; return how many are queued."""
    queue, is_running, is_released = AsyncTraceExportQueue(), Event(), Event()

    def block() -> None:
        is_running.set()
        is_released.wait()

    queue.put(Task(handler=block, args=()))
    assert is_running.wait(timeout=30)
    for _ in range(SPAN_COUNT):
        span = mlflow.start_span_no_context("big", inputs=LONG_TEXT)
        queue.put(Task(handler=lambda *_: None, args=("0", [span])))
    queued = int(queue._queue.qsize())
    is_released.set()
    queue.flush(terminate=True)
    return queued


def test_the_queue_is_limited_in_size(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_EXPORT_QUEUE_BYTES", str(MAX_BYTES))
    with enable_tracing(store):
        assert count_queued_spans() < MAX_BYTES / len(LONG_TEXT)


def test_stored_tasks_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_EXPORT_QUEUE_BYTES", str(MAX_BYTES))
    with enable_tracing(store):
        assert count_queued_spans() == count_queued_spans() > 5


@pytest.mark.xfail(
    raises=AssertionError, reason="the canary of patches.mlflow.export_queue.memory_limit"
)
def test_upstream_mlflow_limits_the_memory_of_its_export_queue(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS", "1")
    mlflow.set_tracking_uri(store)
    assert count_queued_spans() < MAX_BYTES / len(LONG_TEXT)


@pytest.mark.store
def test_a_locked_store_does_not_block_the_program_and_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_EXPORT_QUEUE_BYTES", str(MAX_BYTES))
    monkeypatch.setenv("MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", "50")
    database = tmp_path / "mlflow.db"
    with caplog.at_level(logging.ERROR, "patches.mlflow.export_queue.memory_limit"):
        with enable_tracing(f"sqlite:///{database}"):
            mlflow.start_span_no_context("first").end()
            mlflow.flush_trace_async_logging()
            with sqlite3.connect(database) as other_client:
                other_client.execute("begin exclusive")
                started_s = time.monotonic()
                for _ in range(SPAN_COUNT):
                    mlflow.start_span_no_context("big", inputs=LONG_TEXT).end()
                    time.sleep(0.01)
                took_s = time.monotonic() - started_s
        (stored,) = other_client.execute("select count(*) from spans").fetchone()
    lost = int(caplog.messages[-1].split()[0])
    assert took_s < 10
    assert len(caplog.messages) == 2
    assert lost > 0
    assert stored + lost == SPAN_COUNT + 1


def test_a_single_loss_is_logged_when_it_happens(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_EXPORT_QUEUE_BYTES", "1")
    is_released = Event()
    with enable_tracing(store, frameworks=[]):
        queue = AsyncTraceExportQueue()
        spans = [mlflow.start_span_no_context("big", inputs=LONG_TEXT) for _ in range(2)]
        queue.put(Task(handler=lambda *_: is_released.wait(10), args=("0", spans[:1])))
        queue.put(Task(handler=lambda *_: None, args=("0", spans[1:])))
        logged = [text for text in caplog.messages if text.startswith("The store is too slow")]
        is_released.set()
        queue.flush(terminate=True)
        for span in spans:
            span.end()
    assert len(logged) == 1
