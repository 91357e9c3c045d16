"""Continue the trace of a caller in a service, so that the spans of both are in one trace.

Source: https://www.w3.org/TR/trace-context/. MLflow reads and writes its header `traceparent`.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from mlflow.tracing import set_tracing_context_from_http_request_headers
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


@contextmanager
def continue_remote_trace(headers: Mapping[str, str]) -> Generator[None]:
    """Start the spans of the block as children of the span of a caller who sent these headers.

    The names of the headers are in lower case, as in ASGI. Without a valid `traceparent`, the first
    span of the block starts a new trace, so a service can handle requests of any caller.

    Example:
        with continue_remote_trace(request.headers), mlflow.start_span("GET /search"):
            ...
    """
    context = TraceContextTextMapPropagator().extract(headers)
    if not trace.get_current_span(context).get_span_context().is_valid:
        yield
        return
    with set_tracing_context_from_http_request_headers(dict(headers)):
        yield
