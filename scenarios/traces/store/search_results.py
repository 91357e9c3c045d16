"""A row for each trace that a search found, and the tables of rows and of saved queries."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from instrumentation.trace import Span, Trace, trace_from_mlflow
from instrumentation.trace.outline import CONTROL_CHARACTERS
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS
from instrumentation.trace.wording import truncate
from scenarios.traces.store.saved_queries import QUERIES, cost_usd, total_tokens

MAX_ERROR_CHARS = 80


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


def render_queries() -> RenderableType:
    """The saved queries, each with its filter."""
    table = Table(box=None, pad_edge=False)
    for column in ("query", "finds", "filter_string of mlflow.search_traces"):
        table.add_column(column, overflow="fold")
    for query in list_queries():
        table.add_row(*query.values())
    return table


def list_queries() -> list[dict[str, str]]:
    """The saved queries: how each is written, what it finds, and its filter."""
    listed = []
    for query in QUERIES:
        argument = query.argument
        if argument:
            argument = f" [{argument}]" if query.default else f" {argument}"
        filter_string = query.filter.format("…") if query.argument else query.filter
        listed.append(
            {
                "query": f"{query.name}{argument}",
                "finds": query.description,
                "filter_string": filter_string,
            }
        )
    return listed


def render_rows(rows: Sequence[SearchRow], since: datetime, suggestion: str = "") -> RenderableType:
    """One line per trace, with times in the machine's zone; a sentence if there are no rows."""
    if not rows:
        sentence = f"no such trace since {since.isoformat(timespec='seconds')}"
        sentence += f"; {suggestion}" if suggestion else ""
        return Text(CONTROL_CHARACTERS.sub("�", sentence))
    table = Table(box=None, pad_edge=False)
    for column in ("when", "trace", "workflow"):
        table.add_column(column, no_wrap=True)
    for column in ("ms", "tokens", "$"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("first error", overflow="fold")
    for row in rows:
        style = "red" if row.status == "ERROR" else ""
        cells = (Text(CONTROL_CHARACTERS.sub("�", cell)) for cell in _cells(row))
        table.add_row(*cells, style=style)
    return table


def _cells(row: SearchRow) -> tuple[str, ...]:
    error = row.first_error
    return (
        row.when.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        row.id,
        row.workflow,
        "" if row.latency_ms is None else f"{row.latency_ms:,}",
        f"{row.tokens:,}" if row.tokens else "",
        "" if row.cost_usd is None else f"{row.cost_usd:.4f}",
        row.status,
        truncate(error, MAX_ERROR_CHARS),
    )
