"""The OTLP processor: what MLflow gives each finished span to, where a receiver is named, too.

MLflow exports with OpenTelemetry's batch processor. That one flushes without a time limit, logs
each failure, and in dual export knows neither the tags nor the session of a trace.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from patches.patch import Patch

TAG_PREFIX = "mlflow.traceTag."
"""How MLflow's receiver knows the tags of a trace, on its root span."""
METADATA_ATTRIBUTES = {"mlflow.trace.session": "session.id", "mlflow.trace.user": "user.id"}
"""What MLflow keeps of a trace beside its spans, and OpenTelemetry's names for it."""


class SpanSink(Protocol):
    """Who brings finished spans to a receiver; called by all threads at once."""

    def send(self, span: ReadableSpan, trace_attributes: Mapping[str, str]) -> None:
        """Take a span, and what is said of its whole trace, if it is a root; at once."""

    def flush(self) -> bool:
        """Bring all that was taken; whether it arrived."""

    def close(self) -> None:
        """Bring what can be brought, and take nothing more."""


def otlp_processor_patch(make_sink: Callable[[], SpanSink]) -> Patch:
    """MLflow gives its spans to a `carrier` of their own for each tracer provider that it makes."""
    return Patch(
        name="otlp_processor",
        symptom="a receiver that hangs holds a flush for as long as there are batches, each failure"
        " is logged, and neither tags nor session of a trace arrive",
        upstream="mlflow.tracing.processor.otel.OtelSpanProcessor; opentelemetry-python#4568",
        versions={"mlflow": ">=3.17"},
        delete_when="BatchSpanProcessor.force_flush keeps its timeout, and dual export sends tags",
        canary="tests/instrumentation/export/test_mlflow_export.py::test_upstream_mlflow_flushes_within_the_timeout",
        apply=lambda: _apply(make_sink),
    )


@contextmanager
def _apply(make_sink: Callable[[], SpanSink]) -> Generator[None]:
    from mlflow.environment_variables import MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT
    from mlflow.tracing import provider
    from mlflow.tracing.processor import otel
    from mlflow.tracing.utils.otlp import should_use_otlp_exporter

    # Without dual export the receiver takes the place of the store, and MLflow's own processor
    # keeps what its other functions need.
    if not (should_use_otlp_exporter() and MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT.get()):
        yield
        return

    class Handing(SpanProcessor):
        """A class, for MLflow asks `isinstance` of its name, with MLflow's own arguments."""

        def __init__(self, span_exporter: Any, export_metrics: bool) -> None:
            self._carrier = make_sink()

        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            """Nothing is sent of a span that has yet to end."""

        def on_end(self, span: ReadableSpan) -> None:
            if span.context is not None and span.context.trace_flags.sampled:
                self._carrier.send(span, {} if span.parent else _trace_attributes(span))

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return self._carrier.flush()

        def shutdown(self) -> None:
            self._carrier.close()

    processor, exporter = otel.OtelSpanProcessor, provider.get_otlp_exporter
    metrics = provider.should_export_otlp_metrics
    otel.OtelSpanProcessor, provider.get_otlp_exporter = Handing, _make_no_exporter
    provider.should_export_otlp_metrics = _is_metrics_export_requested
    provider.provider.reset()  # one that is there already exports as MLflow does
    try:
        yield
    finally:
        provider.provider.reset()
        otel.OtelSpanProcessor, provider.get_otlp_exporter = processor, exporter
        provider.should_export_otlp_metrics = metrics


def _make_no_exporter() -> None:
    """MLflow's own raises where it does not know the protocol, which ends all tracing."""


def _is_metrics_export_requested() -> bool:
    """By their own variable: they bear the tags of traces, and hold up the end of a program."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"))


def _trace_attributes(root: ReadableSpan) -> dict[str, str]:
    """The tags, the session and the user of a trace, by the names that receivers look for."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    assert root.context is not None
    trace_id = manager.get_mlflow_trace_id_from_otel_id(root.context.trace_id)
    with manager.get_trace(trace_id) as trace:
        if trace is None:
            return {}
        tags, metadata = dict(trace.info.tags), trace.info.trace_metadata
        tagged = {
            f"{TAG_PREFIX}{key}": value for key, value in tags.items() if key[:7] != "mlflow."
        }
        return tagged | {
            name: metadata[key] for key, name in METADATA_ATTRIBUTES.items() if key in metadata
        }
