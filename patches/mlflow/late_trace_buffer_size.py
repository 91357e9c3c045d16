"""Apply MLFLOW_TRACE_BUFFER_MAX_SIZE even if it is set after MLflow's first span.

The trace buffer holds each trace until it is stored, by default at most 1,000 of them. A trace that
starts while the buffer is full evicts the oldest one, whose spans are then never stored. MLflow
reads the size once per process, when it creates the buffer.
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
        original_buffer = manager._traces
        manager._traces = get_trace_cache_with_timeout()
        manager._traces.update(original_buffer)
    try:
        yield
    finally:
        with manager._lock:
            open_traces = manager._traces
            manager._traces = original_buffer
            original_buffer.clear()
            original_buffer.update(open_traces)


PATCH = Patch(
    name="mlflow.late_trace_buffer_size",
    symptom="with more than 1,000 concurrent traces the oldest are lost, whatever the setting says",
    upstream="mlflow.tracing.trace_manager.InMemoryTraceManager, which creates its buffer once",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="MLFLOW_TRACE_BUFFER_MAX_SIZE works when it is set after the first span",
    canary="tests/patches/mlflow/test_span_burst.py"
    "::test_upstream_mlflow_applies_a_buffer_size_that_is_set_late",
    apply=_apply,
    wraps={
        "mlflow.tracing.trace_manager:InMemoryTraceManager.get_instance": "",
        "mlflow.tracing.utils.timeout:get_trace_cache_with_timeout": "",
    },
)
