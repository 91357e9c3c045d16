"""What a case left behind, whoever recorded it: as MLflow's traces, or as OpenTelemetry's spans."""

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
    """Filled once the case has ended: `traces` as MLflow exports them, `spans` likewise spelt.

    `cpu_s` are the seconds of CPU, of all threads, that the case took and the storing of what was
    recorded; not those that it takes to read it again.
    """

    traces: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def size_bytes(self) -> int:
        """How much it is as JSON, in bytes."""
        return len(json.dumps([self.traces, self.spans], default=str).encode())

    @contextmanager
    def measure_cpu(self) -> Generator[None]:
        """What the body spends is counted."""
        began = time.process_time()
        try:
            yield
        finally:
            self.cpu_s += time.process_time() - began


CaptureCase = Callable[[str], AbstractContextManager[CapturedTraces]]
"""Enters a case, by its name; on exit what the case left has been gathered."""


@contextmanager
def capture_in_own_experiment(case: str) -> Generator[CapturedTraces]:
    """Each case in an experiment of its own of MLflow's store."""
    import mlflow  # an environment whose instrumentor does not need it has none

    where = mlflow.set_experiment(f"{case} {uuid4().hex[:8]}").experiment_id
    with capture_from_experiment(where)(case) as left:
        yield left


def capture_from_experiment(experiment_id: str) -> CaptureCase:
    """Each case by the traces that it began, all in one experiment of MLflow's store."""
    import mlflow

    @contextmanager
    def capture_case(_case: str) -> Generator[CapturedTraces]:
        left, began_ms = CapturedTraces(), time.time_ns() // 1_000_000
        try:
            yield left
        finally:
            collect_garbage()
            with left.measure_cpu():
                mlflow.flush_trace_async_logging()
            client = mlflow.MlflowClient()
            found = client.search_traces(experiment_ids=[experiment_id], max_results=500)
            begun = (trace for trace in found if trace.info.request_time >= began_ms)
            left.traces.extend(trace.to_dict() for trace in begun)

    return capture_case


def capture_in_memory(exporter: Any) -> CaptureCase:
    """Each case by the spans that it began and ended, from OpenTelemetry's in-memory exporter."""

    @contextmanager
    def capture_case(_case: str) -> Generator[CapturedTraces]:
        left, began_ns = CapturedTraces(), time.time_ns()
        exporter.clear()
        try:
            yield left
        finally:
            collect_garbage()
            ended = exporter.get_finished_spans()
            left.spans.extend(_span_to_dict(span) for span in ended if span.start_time >= began_ns)

    return capture_case


def collect_garbage() -> None:
    """End what ends only when it is collected, so that it never ends in the midst of another."""
    gc.collect()


def _span_to_dict(span: Any) -> dict[str, Any]:
    """A finished span of OpenTelemetry in the words of MLflow's export."""
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
    """OpenTelemetry keeps sequences as tuples."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in (attributes or {}).items()
    }
