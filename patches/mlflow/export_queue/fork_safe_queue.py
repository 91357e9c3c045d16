"""Restart MLflow's export queue in a forked process.

A forked process has a copy of the queue, but none of the threads that empty it. The parent stores
what the copy holds; what the child adds would never be stored. OpenTelemetry restarts its batch
processor after a fork, and the queue behind it must restart too.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from patches.patch import Patch


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue

    queue_class: Any = AsyncTraceExportQueue
    put, flush = queue_class.put, queue_class.flush
    owner_pids: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
    initial_pid = os.getpid()

    def restart_after_fork(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if owner_pids.setdefault(self, initial_pid) != os.getpid():
                owner_pids[self] = os.getpid()
                self.__init__()
            return method(self, *args, **kwargs)

        return wrapper

    queue_class.put, queue_class.flush = restart_after_fork(put), restart_after_fork(flush)
    try:
        yield
    finally:
        queue_class.put, queue_class.flush = put, flush


PATCH = Patch(
    name="mlflow.export_queue.fork_safe_queue",
    symptom="a forked process stores nothing if its parent has stored spans, and its flush hangs",
    upstream="mlflow.tracing.export.async_export_queue, which does nothing after a fork",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="a forked process flushes its own spans",
    canary="tests/instrumentation/test_process_exit.py"
    "::test_upstream_mlflow_stores_the_spans_of_a_forked_process",
    apply=_apply,
    wraps={
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.__init__": "self",
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.put": "self, task",
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.flush": "self",
    },
)
