"""Let a forked process store its spans, with new queues, locks and connections of MLflow.

A fork copies MLflow's queues, locks and database connections, but only the thread that forks. The
parent stores the spans in the copied queues. What the child adds would never be stored, a lock that
another thread held stays locked for ever, and two processes would talk over one connection. So the
child starts with new queues, locks and connections.
"""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Condition, Lock, RLock
from typing import Any
from weakref import WeakSet

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block
from patches.support.fork_hooks import fork_hooks

LOCK_TYPES: dict[type[Any], Callable[[], Any]] = {
    type(Lock()): Lock,
    type(RLock()): RLock,
    Condition: Condition,
}
STORES = (
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.jobs.sqlalchemy_store",
)
"""Modules with a class that shares its database engines between its instances."""


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.display import display_handler
    from mlflow.tracing.export.async_export_queue import AsyncTraceExportQueue

    queue_class, is_jupyter = AsyncTraceExportQueue, display_handler._is_jupyter
    queues: WeakSet[Any] = WeakSet()
    connections_of_parent: list[Any] = []

    def remember(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            queues.add(self)
            return method(self, *args, **kwargs)

        return wrapper

    def start_anew() -> None:
        for queue in list(queues):
            queue.__init__()
        for owner in _lock_owners():
            _replace_locks(owner)
        connections_of_parent.extend(_replace_connections())

    @wraps(is_jupyter)
    def is_jupyter_without_import(*args: Any, **kwargs: Any) -> bool:
        # For each trace MLflow tries to import IPython. Where it is not installed, that takes a
        # lock each time, and Python does not release it in a forked process.
        return "IPython" in sys.modules and is_jupyter(*args, **kwargs)

    put, flush = remember(queue_class.put), remember(queue_class.flush)
    with (
        replace_for_block(queue_class, put=put, flush=flush),
        replace_for_block(display_handler, _is_jupyter=is_jupyter_without_import),
        fork_hooks(after_in_child=start_anew),
    ):
        yield


def _lock_owners() -> Iterator[Any]:
    """Yield all that has a lock which recording, storing or flushing a span takes."""
    from mlflow.tracing import provider
    from mlflow.tracing.processor import base_mlflow
    from mlflow.tracing.trace_manager import InMemoryTraceManager
    from mlflow.tracking._tracking_service import registry

    yield from (registry, base_mlflow, InMemoryTraceManager, *_loaded_stores())
    yield InMemoryTraceManager.get_instance()
    yield getattr(provider.provider, "once", None)
    if tracer_provider := provider.provider.get():
        yield tracer_provider
        yield getattr(tracer_provider, "_active_span_processor", None)
    for processor in list(base_mlflow._batch_processor_registry):
        processor._pending_on_end_count = 0  # the threads that were ending spans do not exist here
        yield from (processor, processor.span_exporter)


def _replace_locks(owner: Any) -> None:
    """Replace each lock among the attributes of a module, a class or an instance."""
    for name, value in list(getattr(owner, "__dict__", {}).items()):
        if create := LOCK_TYPES.get(type(value)):
            setattr(owner, name, create())


def _replace_connections() -> list[Any]:
    """Let each database engine connect again; return the old connection pools.

    The pools must be kept: closing a connection would end the session of the parent.
    """
    engines = {engine for store in _loaded_stores() for engine in store._engine_map.values()}
    pools = [engine.pool for engine in engines]
    for engine in engines:
        engine.dispose(close=False)
    return pools


def _loaded_stores() -> list[Any]:
    """Return the store classes that are in use; importing one takes seconds."""
    modules = [sys.modules[name] for name in STORES if name in sys.modules]
    names = ("SqlAlchemyStore", "SqlAlchemyJobStore")
    return [vars(module)[name] for module in modules for name in names if name in vars(module)]


PATCH = Patch(
    name="mlflow.store.forked_processes",
    symptom="a forked process stores nothing if its parent has stored spans, or hangs",
    upstream="mlflow.tracing and mlflow.store.tracking, which do nothing after a fork",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="a forked process flushes its own spans",
    canary="tests/instrumentation/test_process_exit.py"
    "::test_upstream_mlflow_stores_the_spans_of_a_forked_process",
    apply=_apply,
    wraps={
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.__init__": "self",
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.put": "self, task",
        "mlflow.tracing.export.async_export_queue:AsyncTraceExportQueue.flush": "self",
        "mlflow.tracing.display.display_handler:_is_jupyter": "",
        "mlflow.tracing.trace_manager:InMemoryTraceManager.get_instance": "",
        "mlflow.tracing.processor.base_mlflow:_batch_processor_registry": "",
        "mlflow.tracking._tracking_service.registry:_building_store_lock": "",
    },
)
