"""The remote trace: a caller's trace that a service continues, kept until its spans are stored.

MLflow forgets it when the request has been answered. Spans are exported in batches, a little later:
each of them is then looked up in a trace that is no longer there, and dropped without a word. And
two requests of one trace that are answered at once share its entry: the second empties it, and the
first to be answered takes it away.
"""

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from patches.patch import Patch


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.export.mlflow_v3 import MlflowV3SpanExporter
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager: Any = InMemoryTraceManager
    register, pop, export = (
        manager.register_trace,
        manager.pop_trace,
        MlflowV3SpanExporter.export,
    )
    kept = RemoteTraces(pop)

    @wraps(register)
    def register_trace(self: Any, otel_id: int, info: Any, is_remote_trace: bool = False) -> None:
        with self._lock:
            if not (is_remote_trace and kept.contains(self, otel_id)):
                register(self, otel_id, info, is_remote_trace=is_remote_trace)
            if is_remote_trace:
                kept.open_requests[otel_id] += 1

    @wraps(pop)
    def pop_trace(self: Any, otel_id: int) -> Any:
        with self._lock:
            return (
                kept.finish_request(self, otel_id)
                if kept.contains(self, otel_id)
                else pop(self, otel_id)
            )

    @wraps(export)
    def export_and_let_go(self: Any, spans: Sequence[Any]) -> None:
        export(self, spans)
        kept.release_spans(manager.get_instance(), spans)

    manager.register_trace, manager.pop_trace = register_trace, pop_trace
    MlflowV3SpanExporter.export = export_and_let_go
    try:
        yield
    finally:
        manager.register_trace, manager.pop_trace = register, pop
        MlflowV3SpanExporter.export = export


class RemoteTraces:
    """The remote traces of the process, by OpenTelemetry's id, and how many requests each has open.

    A trace is let go once no request of it is open and all its spans were exported.
    """

    def __init__(self, pop: Any) -> None:
        self.open_requests: Counter[int] = Counter()
        self._pop = pop

    def contains(self, manager: Any, otel_id: int) -> bool:
        """Whether the manager holds this trace, and holds it for a caller elsewhere."""
        trace = self._trace(manager, otel_id)
        return trace is not None and trace.is_remote_trace

    def finish_request(self, manager: Any, otel_id: int) -> Any:
        """One request fewer is open."""
        self.open_requests[otel_id] -= 1
        return self._release_if_done(manager, otel_id)

    def release_spans(self, manager: Any, spans: Sequence[Any]) -> None:
        """These spans need their trace no more."""
        with manager._lock:
            for span in spans:
                otel_id = span.context.trace_id
                if self.contains(manager, otel_id):
                    held = self._trace(manager, otel_id).span_dict
                    held.pop(format(span.context.span_id, "016x"), None)
                    self._release_if_done(manager, otel_id)

    def _release_if_done(self, manager: Any, otel_id: int) -> Any:
        if self.open_requests[otel_id] > 0 or self._trace(manager, otel_id).span_dict:
            return None
        del self.open_requests[otel_id]
        return self._pop(manager, otel_id)

    def _trace(self, manager: Any, otel_id: int) -> Any:
        return manager._traces.get(manager._otel_id_to_mlflow_trace_id.get(otel_id))


PATCH = Patch(
    name="remote_traces",
    symptom=(
        "what a service traces in its caller's trace is not stored: none of it under batched"
        " export, which is the default, and else not all where requests of one trace overlap"
    ),
    upstream=(
        "mlflow.tracing.distributed.set_tracing_context_from_http_request_headers, which registers"
        " the trace anew for each request and pops it at its end"
    ),
    versions={"mlflow": ">=3.17"},
    delete_when="spans of overlapping requests of one trace are stored under batched export",
    canary="tests/patches/mlflow/test_remote_traces.py::test_mlflow_alone_stores_what_a_service_traced",
    apply=_apply,
)
