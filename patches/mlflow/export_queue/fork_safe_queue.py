"""A forked process: it has a copy of MLflow's export queue, and none of the threads that empty it.

What the copy holds is the parent's, which stores it; what the child adds, nobody would take out.
OpenTelemetry's batches begin anew in a child; so must the queue behind them.
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

    queue: Any = AsyncTraceExportQueue
    put, flush = queue.put, queue.flush
    owners: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
    here = os.getpid()

    def own(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def called(self: Any, *args: Any, **kw: Any) -> Any:
            if owners.setdefault(self, here) != os.getpid():
                owners[self] = os.getpid()
                self.__init__()
            return method(self, *args, **kw)

        return called

    queue.put, queue.flush = own(put), own(flush)
    try:
        yield
    finally:
        queue.put, queue.flush = put, flush


PATCH = Patch(
    name="forked",
    symptom="a forked process stores nothing once its parent has, and hangs as it flushes",
    upstream="mlflow.tracing.export.async_export_queue, which does nothing after a fork",
    versions={"mlflow": ">=3.17"},
    delete_when="a forked process flushes what it has traced itself",
    canary="tests/instrumentation/test_process_exit.py::test_upstream_mlflow_stores_the_spans_of_a_forked_process",
    apply=_apply,
)
