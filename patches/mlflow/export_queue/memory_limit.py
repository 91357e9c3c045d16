"""The backlog: what waits in MLflow's export queue for a store that is slower than the program.

MLflow bounds it by a count of tasks, of which each may be a span or a second's worth of spans: a
store that answers, but slowly, lets a busy program grow until it is killed.
"""

import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from threading import Lock
from typing import Any

from patches.mlflow.export_queue.pending_write import PendingWrite
from patches.patch import Patch

MAX_BYTES_SETTING = ("FLIGHT_RECORDER_BACKLOG_BYTES", 256_000_000)
"""How much may wait, about, in bytes of memory: the variable, and its default."""

_log = logging.getLogger(__name__)


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue

    put = AsyncTraceExportQueue.put
    backlog = MemoryBudget(int(os.environ.get(MAX_BYTES_SETTING[0]) or MAX_BYTES_SETTING[1]))

    @wraps(put)
    def put_or_lose(self: Any, task: Any) -> None:
        spans = spans_in_task(task)
        weight = PendingWrite(put, None, (), frozenset(), tuple(spans)).size_bytes
        if backlog.try_reserve(weight, 0 if _trace_in_task(task) else len(spans)):
            put(self, replace(task, handler=backlog.release_after(task.handler, weight)))

    AsyncTraceExportQueue.put = put_or_lose
    try:
        yield
    finally:
        AsyncTraceExportQueue.put = put
        backlog.log_losses()


def spans_in_task(task: Any) -> list[Any]:
    """The spans that a task of the queue holds in memory: some that ended, or a trace's."""
    if trace := _trace_in_task(task):
        return list(trace.data.spans)
    lists = [argument for argument in task.args if isinstance(argument, list)]
    return [span for spans in lists for span in spans]


def _trace_in_task(task: Any) -> Any:
    """The finished trace that it stores; None where it stores spans."""
    return next((argument for argument in task.args if hasattr(argument, "data")), None)


class MemoryBudget:
    """How much waits, and how much found no room. To put something in never waits."""

    def __init__(self, max_bytes: int) -> None:
        self._most_bytes = max_bytes
        self._bytes = 0
        self._lost = 0
        self._lost_spans = 0
        self._lock = Lock()

    def try_reserve(self, size_bytes: int, span_count: int) -> bool:
        """Whether there is room for so many spans, or a trace. What is alone always finds some."""
        with self._lock:
            if self._bytes and self._bytes + size_bytes > self._most_bytes:
                self._lost += 1
                self._lost_spans += span_count
            else:
                self._bytes += size_bytes
                return True
        if self._lost == 1:
            _log.error(
                "%d bytes of spans wait to be stored, more than the store takes: what comes"
                " meanwhile is lost. %s makes room; sampling makes fewer.",
                self._most_bytes,
                MAX_BYTES_SETTING[0],
            )
        return False

    def release_after(self, handler: Callable[..., None], size_bytes: int) -> Callable[..., None]:
        """The handler of a task, which makes room as it is done."""

        @wraps(handler)
        def handled(*args: Any) -> None:
            try:
                handler(*args)
            finally:
                with self._lock:
                    self._bytes -= size_bytes

        return handled

    def log_losses(self) -> None:
        """What was lost, once nothing more can be."""
        if self._lost:
            _log.error("For want of room, %d spans are lost.", self._lost_spans)


PATCH = Patch(
    name="backlog",
    symptom="a store that is slower than the program lets the program's memory grow without bound",
    upstream="mlflow.tracing.export.async_export_queue (`Queue(maxsize=…)`, a count of tasks)",
    versions={"mlflow": ">=3.17"},
    delete_when="MLflow bounds what waits for a store by its size",
    canary="tests/patches/mlflow/test_memory_limit.py::test_mlflow_alone_bounds_what_waits_by_its_size",
    apply=_apply,
)
