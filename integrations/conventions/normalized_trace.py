"""Build the same kind of span tree from any instrumentor's spans."""

from collections.abc import Mapping
from typing import Any

from instrumentation.trace.span_tree import TraceNotFoundError, build_span_trees
from instrumentation.trace.trace import Trace, trace_from_mlflow
from integrations.conventions.span_attributes import normalize_span
from integrations.runner.case_run import CaseRun


def normalized_trace(run: CaseRun) -> Trace:
    """Return the span tree of a run; without roots if nothing was recorded."""
    if run.spans:
        return Trace(build_span_trees([normalize_span(span) for span in run.spans]))
    try:
        return trace_from_mlflow(map(_normalize_mlflow_trace, run.traces))
    except TraceNotFoundError:
        return Trace(())


def _normalize_mlflow_trace(trace: Mapping[str, Any]) -> dict[str, Any]:
    data = trace["data"]
    return {**trace, "data": {**data, "spans": [normalize_span(span) for span in data["spans"]]}}
