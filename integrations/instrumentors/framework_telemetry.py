"""The OpenTelemetry that a framework emits by itself, sent to an in-memory exporter."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_tracer, set_tracer_provider
from packaging.version import Version

from integrations.instrumentors.capture import CaptureCase, CapturedTraces, capture_in_memory
from integrations.programs.case_context import UnsupportedFeatureError

FIRST_CREWAI_VERSION = Version("1.15.22")
"""The first CrewAI whose own tracing can be exported. Later versions must have it."""


@contextmanager
def capture_framework_telemetry(_tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Export CrewAI's spans from a telemetry session, others from the global tracer provider.

    Raises:
        UnsupportedFeatureError: This CrewAI has no tracing that can be exported yet.
    """
    if framework == "crewai":
        if Version(version("crewai")) < FIRST_CREWAI_VERSION:
            raise UnsupportedFeatureError(
                f"CrewAI before {FIRST_CREWAI_VERSION} has no tracing that can be exported"
            )
        from crewai.telemetry.tracing import telemetry_session

        yield partial(_capture_in_session, telemetry_session)
        return
    exporter = InMemorySpanExporter()
    export_global_spans(exporter)
    yield capture_in_run_span(exporter, framework)


def capture_in_run_span(exporter: InMemorySpanExporter, framework: str) -> CaptureCase:
    """Capture the spans of a case; for AutoGen, within a span of the application.

    AutoGen's tracing guide puts such a span around a team, because a team has none of its own.
    """
    capture = capture_in_memory(exporter)
    if framework != "autogen":
        return capture

    @contextmanager
    def capture_case(case: str) -> Generator[CapturedTraces]:
        with capture(case) as captured, get_tracer("cases").start_as_current_span("run"):
            yield captured

    return capture_case


@contextmanager
def _capture_in_session(
    session: Callable[..., AbstractContextManager[Any]], case: str
) -> Generator[CapturedTraces]:
    """Give each case a session of its own: the end of a session shuts its exporter down."""
    exporter = InMemorySpanExporter()
    with capture_in_memory(exporter)(case) as captured, session(uuid4().hex, case, [exporter]):
        yield captured


def export_global_spans(exporter: InMemorySpanExporter) -> None:
    """Set a global tracer provider that sends its spans to this exporter."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    set_tracer_provider(provider)
