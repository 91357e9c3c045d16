"""OpenLLMetry, enabled with Traceloop's SDK: its spans go to an in-memory exporter."""

from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from traceloop.sdk import Traceloop

from integrations.instrumentors.capture import CaptureCase
from integrations.instrumentors.framework_telemetry import capture_in_run_span


@contextmanager
def enable_openllmetry(_tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Call `Traceloop.init`, with content capture as by default. Nothing leaves the process."""
    exporter = InMemorySpanExporter()
    Traceloop.init(app_name="cases", exporter=exporter, disable_batch=True, telemetry_enabled=False)
    yield capture_in_run_span(exporter, framework)
