"""A framework's own OpenTelemetry: what it tells, once an application has somewhere to send it."""

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
"""The first CrewAI that has tracing of its own which can be exported: a later one must have it."""


@contextmanager
def enable_framework_telemetry(store: str, framework: str) -> Generator[CaptureCase]:
    """CrewAI's goes to the exporters of a session; that of others to the global tracer provider.

    Raises `NotHere` with a CrewAI that has none yet.
    """
    if framework == "crewai":
        if Version(version("crewai")) < FIRST_CREWAI_VERSION:
            raise UnsupportedFeatureError(
                f"CrewAI has no tracing of its own that can be exported before {FIRST_CREWAI_VERSION}"
            )
        from crewai.telemetry.tracing import telemetry_session

        yield partial(_capture_in_session, telemetry_session)
        return
    exporter = InMemorySpanExporter()
    export_global_spans(exporter)
    yield capture_in_run_span(exporter, framework)


def capture_in_run_span(exporter: InMemorySpanExporter, framework: str) -> CaptureCase:
    """Each case by its spans; one of AutoGen within a span of the application's.

    Its guide to tracing puts one around a team, which has none of its own.
    """
    around = capture_in_memory(exporter)
    if framework != "autogen":
        return around

    @contextmanager
    def capture_case(case: str) -> Generator[CapturedTraces]:
        with around(case) as left, get_tracer("cases").start_as_current_span("run"):
            yield left

    return capture_case


@contextmanager
def _capture_in_session(
    session: Callable[..., AbstractContextManager[Any]], case: str
) -> Generator[CapturedTraces]:
    """Each case in a session of its own, as a hosted run is: its end shuts the exporter down."""
    exporter = InMemorySpanExporter()
    with capture_in_memory(exporter)(case) as left, session(uuid4().hex, case, [exporter]):
        yield left


def export_global_spans(exporter: InMemorySpanExporter) -> None:
    """Send whatever is told to the process's tracer provider to this exporter."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    set_tracer_provider(provider)
