"""OpenLLMetry: the instrumentors of Traceloop, as its SDK turns them on."""

from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from traceloop.sdk import Traceloop

from integrations.instrumentors.capture import CaptureCase
from integrations.instrumentors.framework_telemetry import capture_in_run_span


@contextmanager
def enable_openllmetry(store: str, framework: str) -> Generator[CaptureCase]:
    """`Traceloop.init`, with content, as it comes; its spans stay here, and so do its metrics."""
    exporter = InMemorySpanExporter()
    Traceloop.init(app_name="cases", exporter=exporter, disable_batch=True, telemetry_enabled=False)
    yield capture_in_run_span(exporter, framework)
