"""Link to spans in MLflow's pages.

MLflow 3.17 has no address of a span. MLflow 3.18 opens one from an issue of its trace, and
`log_findings` references an issue for each finding. Where there is none, a link opens the trace.
"""

from collections.abc import Callable, Mapping
from functools import cache

from instrumentation.trace import Span, Trace
from scenarios.traces.store.ui_server import issue_span_url, trace_page_url

SpanLink = Callable[[Span], str]


def link_spans(trace: Trace, tracking_uri: str) -> SpanLink:
    """Return a function that returns the address of a span of a stored trace."""
    find_issues = cache(lambda: _find_issues(trace, tracking_uri))

    def link(span: Span) -> str:
        if issue := find_issues().get(span.trace_id):
            place = trace.experiment_id, issue, span.trace_id, span.id
            return issue_span_url(tracking_uri, *place)
        return trace_page_url(tracking_uri, trace.experiment_id, span.trace_id)

    return link


def _find_issues(trace: Trace, tracking_uri: str) -> Mapping[str, str]:
    """An issue that each trace references, by the trace's id; none before MLflow 3.18."""
    from mlflow import entities  # takes three seconds
    from mlflow.tracing.client import TracingClient

    if not hasattr(entities, "IssueEvidence"):  # the page of issues opens spans since it exists
        return {}
    client = TracingClient(tracking_uri)
    return {
        trace_id: one.issue_id
        for trace_id in trace.ids
        for one in client.get_trace_info(trace_id).assessments
        if isinstance(one, entities.IssueReference)
    }
