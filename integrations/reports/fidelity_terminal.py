"""The table on a terminal: the sums, then case by case what is not whole."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table as Shown
from rich.text import Text

from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.measure_totals import MEASURES, complete_share, measure_totals
from integrations.fidelity.table_entry import TableEntry
from integrations.reports.responsive_table import ResponsiveTable


def render_fidelity_table(table: FidelityTable) -> RenderableType:
    """All of it."""
    return Group(*_framework_tables(table), Text("\nin sum", style="bold"), _summary_table(table))


def _framework_tables(table: FidelityTable) -> Iterator[RenderableType]:
    for framework, titles in table.titles.items():
        rows = Shown("", *table.versions, header_style="bold", show_lines=True)
        for case, title in titles.items():
            entries = (table.entries[framework, case, column] for column in table.versions)
            rows.add_row(title, *map(_format_entry, entries))
        yield from (Text(f"\n{framework}", style="bold"), ResponsiveTable(rows))


def _summary_table(table: FidelityTable) -> ResponsiveTable:
    rows = Shown("", "whole", *MEASURES, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in table.versions:
        shares = (str(total) for _, total in measure_totals(table.entries_of(column)))
        rows.add_row(column, complete_share(table.entries_of(column)), *shares)
    return ResponsiveTable(rows)


def _format_entry(entry: TableEntry) -> Text:
    style = "green" if entry.is_complete else "dim" if entry.not_applicable else ""
    return Text("\n".join(entry.summary), style=style)
