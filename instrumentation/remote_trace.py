"""A remote trace: the caller's, in which a service goes on, so that both stand in one.

Source: https://www.w3.org/TR/trace-context/, whose header `traceparent` MLflow reads and writes.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from mlflow.tracing import set_tracing_context_from_http_request_headers
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


@contextmanager
def continue_remote_trace(headers: Mapping[str, str]) -> Generator[None]:
    """Begin the block's spans beneath the caller's, whose request has these headers.

    Names of headers are lower case, as ASGI has them. Without a `traceparent`, or with one that
    spells no trace, the first span of the block begins a trace of its own: a service answers
    whoever asks.
    """
    if not _has_trace_context(headers):
        yield
        return
    with set_tracing_context_from_http_request_headers(dict(headers)):
        yield


def _has_trace_context(headers: Mapping[str, str]) -> bool:
    context = TraceContextTextMapPropagator().extract(headers)
    return trace.get_current_span(context).get_span_context().is_valid
