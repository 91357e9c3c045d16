"""The fidelity table on a terminal: case by case, then the summary."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from integrations.fidelity.fidelity_table import (
    FidelityTable,
    TableEntry,
    complete_share,
    measure_totals,
)
from integrations.measures.run_counts import MEASURES
from integrations.reports.tables import ResponsiveTable


def render_fidelity_table(table: FidelityTable) -> RenderableType:
    return Group(*_framework_tables(table), Text("\nsummary", style="bold"), _summary_table(table))


def _framework_tables(table: FidelityTable) -> Iterator[RenderableType]:
    for framework, titles in table.titles.items():
        rows = Table("", *table.versions, header_style="bold", show_lines=True)
        for case, title in titles.items():
            entries = (table.entries[framework, case, each] for each in table.versions)
            rows.add_row(title, *map(_format_entry, entries))
        yield from (Text(f"\n{framework}", style="bold"), ResponsiveTable(rows))


def _summary_table(table: FidelityTable) -> ResponsiveTable:
    headings = ("", "complete", *MEASURES)
    rows = Table(*headings, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for instrumentor in table.versions:
        totals = (str(total) for _, total in measure_totals(table.entries_of(instrumentor)))
        rows.add_row(instrumentor, complete_share(table.entries_of(instrumentor)), *totals)
    return ResponsiveTable(rows)


def _format_entry(entry: TableEntry) -> Text:
    style = "green" if entry.is_complete else "dim" if entry.not_applicable else ""
    return Text("\n".join(entry.summary), style=style)
