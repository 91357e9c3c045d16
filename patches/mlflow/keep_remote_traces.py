"""Keep a trace that began in another process in memory until its spans of this one are stored.

MLflow forgets the trace when the service's request ends. With batched export, spans are exported a
little later; each one is then looked up in a trace that no longer exists, and silently dropped. If
two requests of one trace overlap, the second one replaces the entry of the first, and the first one
to end removes it.
"""

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

TRACE_MANAGER = "mlflow.tracing.trace_manager:InMemoryTraceManager"


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.export.mlflow_v3 import MlflowV3SpanExporter
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager, exporter = InMemoryTraceManager, MlflowV3SpanExporter
    register, pop, export = manager.register_trace, manager.pop_trace, exporter.export
    remote_traces = RemoteTraces(pop)

    @wraps(register)
    def register_trace(
        self: Any,
        otel_trace_id: int,
        trace_info: Any,
        is_remote_trace: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        with self._lock:
            if not (is_remote_trace and remote_traces.contains(self, otel_trace_id)):
                register(self, otel_trace_id, trace_info, is_remote_trace, *args, **kwargs)
            if is_remote_trace:
                remote_traces.open_requests[otel_trace_id] += 1

    @wraps(pop)
    def pop_trace(self: Any, otel_trace_id: int, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            if remote_traces.contains(self, otel_trace_id):
                return remote_traces.finish_request(self, otel_trace_id)
            return pop(self, otel_trace_id, *args, **kwargs)

    @wraps(export)
    def export_and_release(self: Any, spans: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        result = export(self, spans, *args, **kwargs)
        remote_traces.release_spans(manager.get_instance(), spans)
        return result

    with (
        replace_for_block(manager, register_trace=register_trace, pop_trace=pop_trace),
        replace_for_block(exporter, export=export_and_release),
    ):
        yield


class RemoteTraces:
    """Counts the open requests of each remote trace of the process, by OpenTelemetry trace id.

    A trace is removed from MLflow's memory once it has no open request and all its spans have been
    exported.
    """

    def __init__(self, pop_trace: Any) -> None:
        self.open_requests: Counter[int] = Counter()
        self._pop_trace = pop_trace

    def contains(self, manager: Any, otel_id: int) -> bool:
        """Return whether the manager has this trace and it belongs to a caller elsewhere."""
        trace = self._trace(manager, otel_id)
        return trace is not None and trace.is_remote_trace

    def finish_request(self, manager: Any, otel_id: int) -> Any:
        """Count one open request less; return the trace if it was removed."""
        self.open_requests[otel_id] -= 1
        return self._remove_if_done(manager, otel_id)

    def release_spans(self, manager: Any, spans: Sequence[Any]) -> None:
        """Remove exported spans from their traces."""
        with manager._lock:
            for span in spans:
                otel_id = span.context.trace_id
                if self.contains(manager, otel_id):
                    pending_spans = self._trace(manager, otel_id).span_dict
                    pending_spans.pop(format(span.context.span_id, "016x"), None)
                    self._remove_if_done(manager, otel_id)

    def _remove_if_done(self, manager: Any, otel_id: int) -> Any:
        if self.open_requests[otel_id] > 0 or self._trace(manager, otel_id).span_dict:
            return None
        del self.open_requests[otel_id]
        return self._pop_trace(manager, otel_id)

    def _trace(self, manager: Any, otel_id: int) -> Any:
        return manager._traces.get(manager._otel_id_to_mlflow_trace_id.get(otel_id))


PATCH = Patch(
    name="mlflow.keep_remote_traces",
    symptom=(
        "spans that a service adds to its caller's trace are not stored: none with batched export,"
        " which is the default, and otherwise not all if requests of one trace overlap"
    ),
    upstream=(
        "mlflow.tracing.distributed.set_tracing_context_from_http_request_headers, which registers"
        " the trace again for each request and removes it when the request ends"
    ),
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="spans of overlapping requests of one trace are stored with batched export",
    canary="tests/patches/mlflow/test_keep_remote_traces.py"
    "::test_upstream_mlflow_stores_the_spans_of_a_service",
    apply=_apply,
    wraps={
        f"{TRACE_MANAGER}.register_trace": "self, otel_trace_id, trace_info, is_remote_trace",
        f"{TRACE_MANAGER}.pop_trace": "self, otel_trace_id",
        "mlflow.tracing.export.mlflow_v3:MlflowV3SpanExporter.export": "self, spans",
    },
)
