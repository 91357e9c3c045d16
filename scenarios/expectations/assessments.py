"""Log failures as MLflow assessments, each on the span that it is about.

MLflow's page of the trace then shows what is wrong, and where.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from instrumentation.trace import Span, Trace, TraceNotFoundError
from scenarios.expectations.expectation import Expectation, explain_failure, find_span

SOURCE_ID = "agent-flight-recorder"
"""The source of the assessments, beside its type CODE."""
MAX_NAME_CHARS = 250
"""MLflow rejects an assessment with a longer name."""


class AssessmentLog:
    """Logs assessments in an MLflow store, as made by this project's code.

    Importing MLflow takes three seconds, which those who only read files need not wait for.
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        """Use a store; by default that of `mlflow.get_tracking_uri()`."""
        from mlflow.entities import AssessmentSource, AssessmentSourceType

        self._tracking_uri = tracking_uri
        self.source = AssessmentSource(AssessmentSourceType.CODE, SOURCE_ID)

    @cached_property
    def client(self) -> Any:
        """MLflow's client for traces. It opens the store, or creates it."""
        from mlflow.tracing.client import TracingClient

        return TracingClient(self._tracking_uri)

    def known_assessments(self, trace_id: str) -> list[Any]:
        return list(self.client.get_trace_info(trace_id).assessments)

    def log_feedback(self, trace_id: str, name: str, value: bool, **fields: Any) -> None:
        """Log a feedback on a trace, or with `span_id` on one of its spans."""
        from mlflow.entities import Feedback

        name = name[:MAX_NAME_CHARS]
        feedback = Feedback(name=name, value=value, source=self.source, **fields)
        self.client.log_assessment(trace_id, feedback)

    def log_failure(
        self, span: Span, name: str, rationale: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Log a feedback with the value False on a span. Raises `TraceNotFoundError`."""
        fields = {"rationale": rationale, "metadata": metadata, "span_id": span.id}
        self.log_feedback(require_trace_id(span), name, False, **fields)


def require_trace_id(span: Span) -> str:
    """The id of a span's trace in its store.

    Raises:
        TraceNotFoundError: The trace was not read from a store.
    """
    if not span.trace_id:
        raise TraceNotFoundError(
            "expected a trace of an MLflow store to log assessments on, but it has no id;"
            " read it with fetch_trace"
        )
    return span.trace_id


def log_failed_expectations(
    trace: Trace, expectations: Iterable[Expectation], tracking_uri: str | None = None
) -> dict[str, str]:
    """Log each expectation that a stored trace does not meet, as a feedback with the value False.

    Its name is the expectation's description, its rationale says what the trace has instead.

    Example:
        trace = fetch_trace(trace_id, tracking_uri)
        log_failed_expectations(trace, [hands_off("writer", "editor")], tracking_uri)

    Args:
        trace: A trace of an MLflow store; a trace that was read from JSON has no ids.
        tracking_uri: The store. Default: that of `mlflow.get_tracking_uri()`.

    Returns:
        Why each of them failed, by its description.

    Raises:
        TraceNotFoundError: The trace was not read from a store.
    """
    log, failures = AssessmentLog(tracking_uri), {}
    for expectation in expectations:
        failure = explain_failure(trace, expectation)
        if failure is not None:
            log.log_failure(find_span(trace, expectation), expectation.description, failure)
            failures[expectation.description] = failure
    return failures
