"""One row of a search result: a trace in one line, with its first error."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from instrumentation.alerts.trace_window import UNREADABLE_TRACE_ERRORS
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace, trace_from_mlflow
from scenarios.trace_store.saved_queries import cost_usd, total_tokens


@dataclass(frozen=True)
class SearchRow:
    """A trace as `search` prints it.

    `first_error` is that of the span in which the first error arose, not of its parents.
    """

    when: datetime
    id: str
    workflow: str
    latency_ms: int | None
    tokens: int
    cost_usd: float | None
    status: str
    first_error: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"when": self.when.isoformat(timespec="milliseconds")}


def build_row(info: Any, trace: Any) -> SearchRow:
    """The row of a trace.

    Args:
        info: MLflow's `TraceInfo`.
        trace: MLflow's `Trace` with spans; None if spans are missing in the store.
    """
    return SearchRow(
        when=datetime.fromtimestamp(info.timestamp_ms / 1000, UTC),
        id=info.trace_id,
        workflow=info.tags.get("mlflow.traceName", ""),
        latency_ms=info.execution_duration,
        tokens=int(total_tokens(info)),
        cost_usd=cost_usd(info) if info.cost else None,
        status=info.state.value,
        first_error=_first_error(trace),
    )


def _first_error(stored: Any) -> str:
    if stored is None:
        return "some of its spans are missing in the store"
    try:
        trace = trace_from_mlflow([stored.to_dict()])
    except UNREADABLE_TRACE_ERRORS as error:
        return f"its spans cannot be read: {(str(error).splitlines() or [''])[0]}"
    failed = _find_failed_span(trace)
    if failed is None:
        return ""
    message = failed.status_message.strip() or "no message"
    return f"{failed.name}: {message.splitlines()[0]}"


def _find_failed_span(trace: Trace) -> Span | None:
    """The first failed span without a failed span inside.

    HTTP attempts do not count: a run may have recovered from them.
    """
    for span in trace:
        inside = (inner for inner in span if inner is not span and inner.type != "ATTEMPT")
        if span.failed and span.type != "ATTEMPT" and not any(inner.failed for inner in inside):
            return span
    return None
