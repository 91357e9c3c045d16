"""Capture what an instrumentor recorded of one case: MLflow traces or OpenTelemetry spans."""

import gc
import json
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4


@dataclass
class CapturedTraces:
    """What was recorded of a case, filled when the case has ended.

    Attributes:
        traces: MLflow traces, as `Trace.to_dict()` exports them.
        spans: OpenTelemetry spans, in the same format as the spans of an MLflow trace.
        cpu_s: CPU time of all threads for the case and for storing its traces, in seconds. Reading
            the traces back is not included.
    """

    traces: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def size_bytes(self) -> int:
        return len(json.dumps([self.traces, self.spans], default=str).encode())

    @contextmanager
    def measure_cpu(self) -> Generator[None]:
        """Add the CPU time of the body to `cpu_s`."""
        start = time.process_time()
        try:
            yield
        finally:
            self.cpu_s += time.process_time() - start


CaptureCase = Callable[[str], AbstractContextManager[CapturedTraces]]
"""Takes the name of a case, which runs within the context. On exit the traces are captured."""


@contextmanager
def capture_in_own_experiment(case: str) -> Generator[CapturedTraces]:
    """Capture the traces of a case from an MLflow experiment of its own."""
    import mlflow  # not installed in environments whose instrumentor does not need it

    experiment = mlflow.set_experiment(f"{case} {uuid4().hex[:8]}")
    with capture_from_experiment(experiment.experiment_id)(case) as captured:
        yield captured


def capture_from_experiment(experiment_id: str) -> CaptureCase:
    """Capture, from an MLflow experiment shared by all cases, the traces that a case started."""
    import mlflow

    @contextmanager
    def capture_case(_case: str) -> Generator[CapturedTraces]:
        captured, start_ms = CapturedTraces(), time.time_ns() // 1_000_000
        try:
            yield captured
        finally:
            collect_garbage()
            with captured.measure_cpu():
                mlflow.flush_trace_async_logging()
            client = mlflow.MlflowClient()
            found = client.search_traces(experiment_ids=[experiment_id], max_results=500)
            started = (trace for trace in found if trace.info.request_time >= start_ms)
            captured.traces.extend(trace.to_dict() for trace in started)

    return capture_case


def capture_in_memory(exporter: Any) -> CaptureCase:
    """Capture, from an `InMemorySpanExporter`, the spans that a case started and ended."""

    @contextmanager
    def capture_case(_case: str) -> Generator[CapturedTraces]:
        captured, start_ns = CapturedTraces(), time.time_ns()
        exporter.clear()
        try:
            yield captured
        finally:
            collect_garbage()
            ended = exporter.get_finished_spans()
            captured.spans.extend(
                _span_to_dict(span) for span in ended if span.start_time >= start_ns
            )

    return capture_case


def collect_garbage() -> None:
    """End spans that end only when their owner is collected, so that none ends in a later case."""
    gc.collect()


def _span_to_dict(span: Any) -> dict[str, Any]:
    """Convert a finished OpenTelemetry span to the format of an exported MLflow trace."""
    return {
        "name": span.name,
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "start_time_unix_nano": span.start_time,
        "end_time_unix_nano": span.end_time,
        "attributes": _plain_attributes(span.attributes),
        "status": {
            "code": f"STATUS_CODE_{span.status.status_code.name}",
            "message": span.status.description or "",
        },
        "events": [
            {
                "name": event.name,
                "time_unix_nano": event.timestamp,
                "attributes": _plain_attributes(event.attributes),
            }
            for event in span.events
        ],
    }


def _plain_attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Convert attributes to JSON types: OpenTelemetry stores sequences as tuples."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in (attributes or {}).items()
    }


@contextmanager
def enable_nothing(_tracking_uri: str, _framework: str) -> Generator[CaptureCase]:
    """Run the cases without recording."""
    yield _capture_nothing


@contextmanager
def _capture_nothing(_case: str) -> Generator[CapturedTraces]:
    yield CapturedTraces()
