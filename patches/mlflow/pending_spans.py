"""Find or discard a span in MLflow's memory, where spans wait until their trace is stored.

MLflow stores the span object that was opened, not the copy that span processors receive.
"""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


def find_live_span(span: ReadableSpan) -> Any:
    """Return MLflow's `LiveSpan` of this span, or None if MLflow has none and will not store it."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    trace_id = manager.get_mlflow_trace_id_from_otel_id(span.context.trace_id)
    span_id = format(span.context.span_id, "016x")
    return trace_id and manager.get_span_from_id(trace_id, span_id)


def sync_links(live_span: Any) -> None:
    """Copy the links of the OpenTelemetry span to its `LiveSpan`, which stores its own links."""
    from mlflow.entities.span import _link_from_otel_link

    if live_span._links:
        live_span._links = [
            _link_from_otel_link(link, live_span.trace_id) for link in live_span._span.links
        ]


def discard_span(span: ReadableSpan) -> None:
    """Remove a span from MLflow's memory, so that it is not stored.

    With its last span, the trace is removed too.
    """
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    with manager._lock:
        trace_id = manager.get_mlflow_trace_id_from_otel_id(span.context.trace_id)
        trace = manager._traces.get(trace_id)
        if trace is None:
            return
        trace.span_dict.pop(format(span.context.span_id, "016x"), None)
        if not (trace.span_dict or trace.is_remote_trace):
            manager.pop_trace(span.context.trace_id)
