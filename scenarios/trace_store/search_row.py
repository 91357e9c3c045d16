"""A row: one trace as a person on call reads it, in a line."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from instrumentation.alerts.trace_window import UNREADABLE
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace, from_mlflow
from scenarios.trace_store.saved_queries import cost_usd, tokens


@dataclass(frozen=True)
class Row:
    """`first_error` is of the span in which the first error arose, not of those that it passed."""

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


def row(info: Any, whole: Any) -> Row:
    """The row of a trace, by its `info` and by the same with its spans: None if they are torn."""
    return Row(
        when=datetime.fromtimestamp(info.timestamp_ms / 1000, UTC),
        id=info.trace_id,
        workflow=info.tags.get("mlflow.traceName", ""),
        latency_ms=info.execution_duration,
        tokens=int(tokens(info)),
        cost_usd=cost_usd(info) if info.cost else None,
        status=info.state.value,
        first_error=_first_error(whole),
    )


def _first_error(whole: Any) -> str:
    if whole is None:
        return "its spans are not all in the store"
    try:
        trace = from_mlflow([whole.to_dict()])
    except UNREADABLE as error:
        return f"its spans cannot be read: {(str(error).splitlines() or [''])[0]}"
    failed = _arose(trace)
    if failed is None:
        return ""
    says = failed.says.strip() or "no message"
    return f"{failed.name}: {says.splitlines()[0]}"


def _arose(trace: Trace) -> Span | None:
    """The first span that failed with none inside it that did, attempts left out: a run may have
    got over these."""
    for span in trace:
        inside = (inner for inner in span if inner is not span and inner.type != "ATTEMPT")
        if span.failed and span.type != "ATTEMPT" and not any(inner.failed for inner in inside):
            return span
    return None
