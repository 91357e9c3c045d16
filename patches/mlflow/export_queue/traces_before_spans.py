"""Store a finished trace before its spans, which takes the store about half the time.

MLflow stores the spans first. The store then creates the trace with what it reads from them. When
the finished trace arrives, its INSERT fails, and the store merges it: one SELECT and one INSERT for
each tag and each item of metadata.

A trace that is stored first says how many spans it has and that they are in the store. MLflow's
readers leave it out until all of them are there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from functools import wraps
from typing import Any

from patches.mlflow.export_queue.memory_limit import spans_in_task, trace_in_task
from patches.mlflow.export_queue.retry_queue import MAX_SPANS_PER_WRITE
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

EXPORTER = "mlflow.tracing.export.mlflow_v3:MlflowV3SpanExporter"


def _apply() -> AbstractContextManager[None]:
    from mlflow.tracing.export.mlflow_v3 import MlflowV3SpanExporter

    exporter: Any = MlflowV3SpanExporter
    export, needs_artifact = exporter.export, exporter._should_log_spans_to_artifacts
    span_stores: set[str] = set()

    @wraps(needs_artifact)
    def learn_whether_spans_are_stored(self: Any, *args: Any, **kwargs: Any) -> bool:
        result: bool = needs_artifact(self, *args, **kwargs)
        if not result:
            span_stores.add(self._client.tracking_uri)
        return result

    @wraps(export)
    def export_traces_first(self: Any, spans: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        is_known = self._store_supports_log_spans and self._client.tracking_uri in span_stores
        if is_known and self._should_log_async():
            _export_traces_first(self, spans)
        else:
            export(self, spans, *args, **kwargs)

    return replace_for_block(
        exporter,
        export=export_traces_first,
        _should_log_spans_to_artifacts=learn_whether_spans_are_stored,
    )


class CollectedTasks(list[Any]):
    """Takes the place of an exporter's queue, to put its tasks into another order."""

    def put(self, task: Any) -> None:
        self.append(task)


def _export_traces_first(exporter: Any, spans: Sequence[Any]) -> None:
    """Do what `export` does. The spans must be looked up before MLflow forgets their traces."""
    span_tasks, trace_tasks = CollectedTasks(), CollectedTasks()
    _with_queue(exporter, span_tasks)._export_spans_incrementally(spans)
    try:
        _with_queue(exporter, trace_tasks)._export_traces(spans)
    finally:
        counts = Counter(span.trace_id for task in span_tasks for span in spans_in_task(task))
        complete, others = CollectedTasks(), CollectedTasks()
        for task in trace_tasks:
            (complete if _is_one_write(trace_in_task(task), counts) else others).put(task)
        for task in complete:
            _announce_spans(trace_in_task(task))
        for task in (*complete, *span_tasks, *others):
            exporter._async_queue.put(task)
        for tasks in (span_tasks, trace_tasks):
            tasks.clear()


def _is_one_write(trace: Any, counts: Mapping[str, int]) -> bool:
    """Return whether all spans of a trace are stored in one write.

    The store takes the cost of a finished trace from the first write of its spans, and adds nothing
    later.
    """
    return trace is not None and counts[trace.info.trace_id] == len(trace.data.spans) <= (
        MAX_SPANS_PER_WRITE
    )


def _with_queue(exporter: Any, queue: CollectedTasks) -> Any:
    """Return a copy of the exporter that puts its tasks into another queue."""
    exporter = copy(exporter)
    exporter._async_queue = queue
    return exporter


def _announce_spans(trace: Any) -> None:
    """Say in the trace that its spans are in the store, as the store does when it stores them."""
    from mlflow.tracing.constant import SpansLocation, TraceTagKey

    trace.info.tags[TraceTagKey.SPANS_LOCATION] = SpansLocation.TRACKING_STORE.value


PATCH = Patch(
    name="mlflow.export_queue.traces_before_spans",
    symptom="storing a trace takes twice the time: the store inserts it, fails, and merges it",
    upstream="mlflow.tracing.export.mlflow_v3.MlflowV3SpanExporter.export: spans come first",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="MLflow stores a short trace without a failed INSERT",
    canary="tests/patches/mlflow/test_traces_before_spans.py"
    "::test_upstream_mlflow_stores_a_trace_without_a_failed_insert",
    apply=_apply,
    wraps={
        f"{EXPORTER}.export": "self, spans",
        f"{EXPORTER}._export_spans_incrementally": "self, spans",
        f"{EXPORTER}._export_traces": "self, spans",
        f"{EXPORTER}._should_log_async": "self",
        f"{EXPORTER}._should_log_spans_to_artifacts": "self, trace_info",
        "mlflow.tracing.export.async_export_queue:Task": "handler, args",
    },
)
