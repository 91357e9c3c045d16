"""Pending spans: what MLflow holds of traces that are not stored yet, to find one or let it go.

MLflow stores the very span that was opened, not the copy of it that processors are given.
"""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


def find_live_span(span: ReadableSpan) -> Any:
    """MLflow's own `LiveSpan` of this span; None where it holds none, and so will store none."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    trace_id = manager.get_mlflow_trace_id_from_otel_id(span.context.trace_id)
    span_id = format(span.context.span_id, "016x")
    return trace_id and manager.get_span_from_id(trace_id, span_id)


def sync_links(live_span: Any) -> None:
    """Give the `LiveSpan`, which stores links of its own, those of its OpenTelemetry span."""
    from mlflow.entities.span import _link_from_otel_link

    if live_span._links:
        live_span._links = [
            _link_from_otel_link(link, live_span.trace_id) for link in live_span._span.links
        ]


def discard_span(span: ReadableSpan) -> None:
    """MLflow will not store this span; with the last of a trace's, it forgets the trace as well."""
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
