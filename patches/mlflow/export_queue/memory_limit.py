"""Limit the memory of MLflow's export queue, which a slow store lets grow without bound.

MLflow limits the number of tasks in the queue. A task may be one span or all spans of one second,
so a busy program with a slow store grows until it is killed. Beyond this limit, spans are dropped
and counted.
"""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from threading import Lock
from typing import Any

from patches.mlflow.export_queue.pending_write import estimate_size_bytes
from patches.mlflow.export_queue.queue_settings import EXPORT_QUEUE_BYTES
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block
from patches.support.fork_hooks import fork_hooks

_log = logging.getLogger(__name__)


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue

    put = AsyncTraceExportQueue.put
    budget = MemoryBudget(int(EXPORT_QUEUE_BYTES.read()))

    @wraps(put)
    def put_or_drop(self: Any, task: Any, *args: Any, **kwargs: Any) -> None:
        spans = spans_in_task(task)
        size_bytes = estimate_size_bytes(spans)
        # The spans of a finished trace are counted by the tasks that store them.
        if budget.try_reserve(size_bytes, 0 if trace_in_task(task) else len(spans)):
            handler = budget.release_after(task.handler, size_bytes)
            put(self, replace(task, handler=handler), *args, **kwargs)

    replaced = replace_for_block(AsyncTraceExportQueue, put=put_or_drop)
    try:
        with replaced, fork_hooks(after_in_child=budget.reset):
            yield
    finally:
        budget.log_losses()


def spans_in_task(task: Any) -> list[Any]:
    """Return the spans that a task keeps in memory: single ones, or those of a whole trace."""
    if trace := trace_in_task(task):
        return list(trace.data.spans)
    lists = [argument for argument in task.args if isinstance(argument, list)]
    return [span for spans in lists for span in spans]


def trace_in_task(task: Any) -> Any:
    """Return the finished trace that the task stores, or None if it stores spans."""
    return next((argument for argument in task.args if hasattr(argument, "data")), None)


class MemoryBudget:
    """Counts the bytes in the queue and the spans that were dropped. It never blocks."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.reset()

    def reset(self) -> None:
        """Start with an empty queue, as a forked process does."""
        self._bytes = self._lost_tasks = self._lost_spans = 0
        self._lock = Lock()

    def try_reserve(self, size_bytes: int, span_count: int) -> bool:
        """Reserve room for a task, or count its spans as lost.

        A task always fits into an empty queue.
        """
        with self._lock:
            if self._bytes and self._bytes + size_bytes > self._max_bytes:
                self._lost_tasks += 1
                self._lost_spans += span_count
            else:
                self._bytes += size_bytes
                return True
        if self._lost_tasks == 1:
            _log.error(
                "The store is too slow: %d bytes of spans are waiting to be stored. Further spans"
                " are dropped until there is room. Set %s to allow more, or sample traces.",
                self._max_bytes,
                EXPORT_QUEUE_BYTES.variable,
            )
        return False

    def release_after(self, handler: Callable[..., None], size_bytes: int) -> Callable[..., None]:
        """Wrap the handler of a task, so that its room is released once it is done."""

        @wraps(handler)
        def wrapper(*args: Any) -> None:
            try:
                handler(*args)
            finally:
                with self._lock:
                    self._bytes -= size_bytes

        return wrapper

    def log_losses(self) -> None:
        """Log the number of dropped spans, if any."""
        if self._lost_tasks:
            _log.error("%d spans were dropped because the export queue was full.", self._lost_spans)


PATCH = Patch(
    name="mlflow.export_queue.memory_limit",
    symptom="if the store is slower than the program, the program's memory grows without bound",
    upstream="mlflow.tracing.export.async_export_queue (`Queue(maxsize=…)`, a number of tasks)",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="MLflow limits the memory of its export queue",
    canary="tests/patches/mlflow/test_memory_limit.py"
    "::test_upstream_mlflow_limits_the_memory_of_its_export_queue",
    apply=_apply,
    wraps={
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.put": "self, task",
        "mlflow.tracing.export.async_export_queue:Task": "handler, args",
    },
)
