"""Make a flush of MLflow's idle export queue return at once instead of after up to one second.

The thread that empties the queue polls it once per second, and notices only then that it should
stop.
"""

from contextlib import AbstractContextManager
from functools import wraps
from queue import Queue
from threading import Event
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block


class WakingEvent(Event):
    """An event that puts an empty task into the queue when it is set, to wake up the reader.

    Both happen as one step. In between, the reader could see the event, find the queue empty and
    end; then the empty task would never be done, and the flush would wait for it for ever.
    """

    def __init__(self, queue: Queue[Any], empty_task: Any) -> None:
        super().__init__()
        self._queue, self._empty_task = queue, empty_task

    def set(self) -> None:
        with self._queue.not_empty:  # the lock of all methods of the queue
            super().set()
            self._queue._put(self._empty_task)
            self._queue.unfinished_tasks += 1
            self._queue.not_empty.notify()


def _apply() -> AbstractContextManager[None]:
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue, Task

    original = AsyncTraceExportQueue.__init__
    empty_task = Task(handler=lambda: None, args=())

    @wraps(original)
    def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self._stop_event = WakingEvent(self._queue, empty_task)

    return replace_for_block(AsyncTraceExportQueue, __init__=initialise)


PATCH = Patch(
    name="mlflow.export_queue.fast_flush",
    symptom="each flush of MLflow's traces takes up to a second, even with nothing to store",
    upstream="mlflow.tracing.export.async_export_queue (`self._queue.get(timeout=1)`)",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="a flush of an idle queue returns at once",
    canary="tests/instrumentation/test_tracing.py::test_upstream_mlflow_flushes_an_idle_queue_at_once",
    apply=_apply,
    wraps={
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.__init__": "self",
        "mlflow.tracing.export.async_export_queue:Task": "handler, args",
    },
)
