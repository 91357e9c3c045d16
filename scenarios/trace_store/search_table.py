"""Render the rows of a search, and the list of saved queries, for a terminal."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from instrumentation.trace.outline import CONTROL_CHARACTERS
from scenarios.trace_store.saved_queries import QUERIES
from scenarios.trace_store.search_row import SearchRow

MAX_ERROR_CHARS = 80


def render_queries() -> RenderableType:
    """The saved queries, each with its filter."""
    table = Table(box=None, pad_edge=False)
    for column in ("query", "finds", "filter_string of mlflow.search_traces"):
        table.add_column(column, overflow="fold")
    for query in QUERIES:
        argument = query.argument
        if argument:
            argument = f" [{argument}]" if query.default else f" {argument}"
        filter_string = query.filter.format("…") if query.argument else query.filter
        table.add_row(f"{query.name}{argument}", query.description, filter_string)
    return table


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
        error if len(error) <= MAX_ERROR_CHARS else f"{error[: MAX_ERROR_CHARS - 1]}…",
    )
