"""The trace buffer: where MLflow keeps each trace until it is stored, and 1,000 of them at most.

A trace that begins when it is full pushes out the oldest, and then no span of that one is stored.
How much it holds can be set; but it is made once a process, before anyone has set it.
"""

from collections.abc import Generator
from contextlib import contextmanager

from patches.patch import Patch


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.trace_manager import InMemoryTraceManager
    from mlflow.tracing.utils.timeout import get_trace_cache_with_timeout

    manager = InMemoryTraceManager.get_instance()
    with manager._lock:
        before = manager._traces
        manager._traces = get_trace_cache_with_timeout()
        manager._traces.update(before)
    try:
        yield
    finally:
        with manager._lock:
            open_still = manager._traces
            manager._traces = before
            before.clear()
            before.update(open_still)


PATCH = Patch(
    name="trace_buffer",
    symptom="of more than 1,000 traces at once the oldest are lost, though the setting says more",
    upstream="mlflow.tracing.trace_manager.InMemoryTraceManager, whose buffer is made once",
    versions={"mlflow": ">=3.17"},
    delete_when="MLFLOW_TRACE_BUFFER_MAX_SIZE is heeded when it is set after the first span",
    canary="tests/patches/mlflow/test_span_burst.py::test_mlflow_alone_heeds_the_size_of_the_buffer_later",
    apply=_apply,
)
