"""End the spans that a program has left open as tracing ends, so that their traces are stored.

MLflow stores a trace, with its tags, when its root span ends.
"""

from patches.support.span_errors import AbandonedSpanError, record_error


def end_unfinished_spans(started_after_ns: int) -> None:
    """End this process's open spans that started after a time, innermost first, as errors."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    with manager._lock:
        open_spans = [
            span
            for trace in manager._traces.values()
            for span in trace.span_dict.values()
            if span.end_time_ns is None and span.start_time_ns >= started_after_ns
        ]
    for span in sorted(open_spans, key=lambda span: -span.start_time_ns):
        record_error(span, AbandonedSpanError("tracing was shut down before the end"))
        span.end()
