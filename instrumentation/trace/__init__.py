"""A recorded run as a tree of spans: read from MLflow or from JSON, printed as an outline."""

from instrumentation.trace.span import Span, Tokens
from instrumentation.trace.span_tree import TraceNotFoundError
from instrumentation.trace.trace import Trace, trace_from_mlflow

__all__ = ["Span", "Tokens", "Trace", "TraceNotFoundError", "trace_from_mlflow"]
