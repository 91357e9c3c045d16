"""A flush of MLflow's export queue that does not wait for an idle thread to look up.

The thread that empties the queue waits for work a second at a time, and learns only then that it is
to stop, so that each flush takes up to a second with nothing to do.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import wraps
from queue import Full, Queue
from threading import Event
from typing import Any

from patches.patch import Patch


class WakingEvent(Event):
    """An event that, as it is set, gives whoever waits for the queue something to wake up for."""

    def __init__(self, queue: Queue[Any], nothing: Any) -> None:
        super().__init__()
        self._queue, self._nothing = queue, nothing

    def set(self) -> None:
        super().set()
        with suppress(Full):
            self._queue.put_nowait(self._nothing)


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue, Task

    original = AsyncTraceExportQueue.__init__
    nothing = Task(handler=lambda: None, args=())

    @wraps(original)
    def initialise(self: Any) -> None:
        original(self)
        self._stop_event = WakingEvent(self._queue, nothing)

    AsyncTraceExportQueue.__init__ = initialise
    try:
        yield
    finally:
        AsyncTraceExportQueue.__init__ = original


PATCH = Patch(
    name="prompt_flush",
    symptom="each flush of MLflow's traces takes up to a second with nothing left to store",
    upstream="mlflow.tracing.export.async_export_queue (`self._queue.get(timeout=1)`)",
    versions={"mlflow": ">=3.17"},
    delete_when="a flush of an idle queue returns at once",
    canary="tests/instrumentation/test_tracing.py::test_upstream_mlflow_flushes_an_idle_queue_at_once",
    apply=_apply,
)
