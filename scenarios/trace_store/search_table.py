"""A table: the rows of a search, or the saved queries there are, as a person reads them."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from instrumentation.trace.outline import CONTROL_CHARACTERS
from scenarios.trace_store.saved_queries import QUERIES
from scenarios.trace_store.search_row import SearchRow

MAX_ERROR_CHARS = 80
"""How much of an error a line has room for, in characters."""


def render_queries() -> RenderableType:
    """The saved queries, each with its filter."""
    table = Table(box=None, pad_edge=False)
    for column in ("query", "finds", "filter_string of mlflow.search_traces"):
        table.add_column(column, overflow="fold")
    for query in QUERIES:
        takes = (
            f" [{query.argument}]"
            if query.default
            else f" {query.argument}"
            if query.argument
            else ""
        )
        shown = query.filter.format("…") if query.argument else query.filter
        table.add_row(f"{query.name}{takes}", query.description, shown)
    return table


def render_rows(rows: Sequence[SearchRow], since: datetime, hint: str = "") -> RenderableType:
    """A line a trace, times in the machine's own zone; or, where there is none, a sentence."""
    if not rows:
        told = f"no such trace since {since.isoformat(timespec='seconds')}"
        return Text(CONTROL_CHARACTERS.sub("�", f"{told}; {hint}" if hint else told))
    table = Table(box=None, pad_edge=False)
    for column in ("when", "trace", "workflow"):
        table.add_column(column, no_wrap=True)
    for column in ("ms", "tokens", "$"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("first error", overflow="fold")
    for row in rows:
        style = "red" if row.status == "ERROR" else ""
        table.add_row(
            *(Text(CONTROL_CHARACTERS.sub("�", cell)) for cell in _cells(row)), style=style
        )
    return table


def _cells(row: SearchRow) -> tuple[str, ...]:
    error = row.first_error
    return (
        row.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        row.id,
        row.workflow,
        "" if row.latency_ms is None else f"{row.latency_ms:,}",
        f"{row.tokens:,}" if row.tokens else "",
        "" if row.cost_usd is None else f"{row.cost_usd:.4f}",
        row.status,
        error if len(error) <= MAX_ERROR_CHARS else f"{error[: MAX_ERROR_CHARS - 1]}…",
    )
