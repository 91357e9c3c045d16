"""Replace MLflow's OTLP span processor, in dual export, by one that sends spans to a `SpanSink`.

MLflow exports to an OTLP endpoint with OpenTelemetry's batch processor, which flushes without a
time limit and logs each failure. In dual export it also omits a trace's tags and session.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

TAG_PREFIX = "mlflow.traceTag."
"""Prefix of the root span's attributes that MLflow's OTLP endpoint stores as trace tags."""
METADATA_ATTRIBUTES = {"mlflow.trace.session": "session.id", "mlflow.trace.user": "user.id"}
"""Keys of MLflow's trace metadata, and the OpenTelemetry attributes for them."""
CONVERSATION_ATTRIBUTES = {"mlflow.trace.session": "gen_ai.conversation.id"}
"""Likewise, for attributes that each span of a trace has."""


class SpanSink(Protocol):
    """Sends finished spans to an OTLP endpoint. Called concurrently by all threads."""

    def send(self, span: ReadableSpan, trace_attributes: Mapping[str, str]) -> None:
        """Accept a span without blocking.

        `trace_attributes` holds the conversation that the trace is a part of; for a root span also
        the tags, the session and the user of the trace.
        """

    def flush(self) -> bool:
        """Send all accepted spans; return whether they were delivered."""

    def close(self) -> None:
        """Send what can still be sent, then accept nothing more."""


def otlp_processor_patch(make_sink: Callable[[], SpanSink]) -> Patch:
    """Send spans to a sink; `make_sink` is called for each tracer provider that MLflow creates."""
    return Patch(
        name="opentelemetry.otlp_processor",
        symptom="if the OTLP endpoint hangs, flush() blocks once per queued batch; each failure is"
        " logged; neither tags nor session of a trace are exported",
        upstream="mlflow.tracing.processor.otel.OtelSpanProcessor; opentelemetry-python#4568",
        versions={"mlflow": ">=3.17,<3.19"},
        delete_when="BatchSpanProcessor.force_flush obeys its timeout, and dual export sends tags",
        canary="tests/instrumentation/export/test_mlflow_export.py"
        "::test_upstream_mlflow_flushes_within_the_timeout",
        apply=lambda: _apply(make_sink),
        wraps={
            "mlflow.tracing.processor.otel:OtelSpanProcessor": "span_exporter, export_metrics",
            "mlflow.tracing.provider:get_otlp_exporter": "",
            "mlflow.tracing.provider:should_export_otlp_metrics": "",
        },
    )


@contextmanager
def _apply(make_sink: Callable[[], SpanSink]) -> Generator[None]:
    from mlflow.environment_variables import MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT
    from mlflow.tracing import provider
    from mlflow.tracing.processor import otel
    from mlflow.tracing.utils.otlp import should_use_otlp_exporter

    # Without dual export, spans go to the OTLP endpoint instead of the store, and MLflow's own
    # processor keeps data that its other functions need.
    if not (should_use_otlp_exporter() and MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT.get()):
        yield
        return

    class NewSinkProcessor(SinkProcessor):
        """Has the constructor of MLflow's class; MLflow uses the class name in `isinstance`."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(make_sink())

    with (
        replace_for_block(otel, OtelSpanProcessor=NewSinkProcessor),
        replace_for_block(
            provider,
            get_otlp_exporter=_make_no_exporter,
            should_export_otlp_metrics=_is_metrics_export_requested,
        ),
    ):
        provider.provider.reset()  # an existing provider would go on exporting as MLflow does
        try:
            yield
        finally:
            provider.provider.reset()


class SinkProcessor(SpanProcessor):
    """Sends each sampled span to a sink when it ends."""

    def __init__(self, sink: SpanSink) -> None:
        self._sink = sink

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing: a span is sent when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._sink.send(span, _trace_attributes(span))

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._sink.flush()

    def shutdown(self) -> None:
        self._sink.close()


def _make_no_exporter() -> None:
    """Replace MLflow's function, which raises for an unknown protocol and so stops all tracing."""


def _is_metrics_export_requested() -> bool:
    """Return whether metrics have an endpoint of their own.

    Metrics contain the tags of traces and delay the end of the program, so they are opt-in.
    """
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"))


def _trace_attributes(span: ReadableSpan) -> dict[str, str]:
    """Return data of a span's trace as attributes that OTLP endpoints look for."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    assert span.context is not None
    trace_id = manager.get_mlflow_trace_id_from_otel_id(span.context.trace_id)
    with manager.get_trace(trace_id) as trace:
        if trace is None:
            return {}
        is_root, metadata = span.parent is None, trace.info.trace_metadata
        tags: dict[str, str] = dict(trace.info.tags) if is_root else {}
        names = [
            *(METADATA_ATTRIBUTES.items() if is_root else ()),
            *CONVERSATION_ATTRIBUTES.items(),
        ]
        return {
            f"{TAG_PREFIX}{key}": value for key, value in tags.items() if key[:7] != "mlflow."
        } | {name: metadata[key] for key, name in names if key in metadata}
