"""The table on a terminal: the sums, then case by case what is not whole."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table as Shown
from rich.text import Text

from integrations.fidelity.fidelity_table import Table
from integrations.fidelity.measure_totals import MEASURES, totals, whole
from integrations.fidelity.table_entry import Entry
from integrations.reports.responsive_table import Roomy


def shown(table: Table) -> RenderableType:
    """All of it."""
    return Group(*_frameworks(table), Text("\nin sum", style="bold"), _sum(table))


def _frameworks(table: Table) -> Iterator[RenderableType]:
    for framework, titles in table.titles.items():
        rows = Shown("", *table.versions, header_style="bold", show_lines=True)
        for case, title in titles.items():
            entries = (table.entries[framework, case, column] for column in table.versions)
            rows.add_row(title, *map(_cell, entries))
        yield from (Text(f"\n{framework}", style="bold"), Roomy(rows))


def _sum(table: Table) -> Roomy:
    rows = Shown("", "whole", *MEASURES, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in table.versions:
        shares = (str(total) for _, total in totals(table.of(column)))
        rows.add_row(column, whole(table.of(column)), *shares)
    return Roomy(rows)


def _cell(entry: Entry) -> Text:
    style = "green" if entry.whole else "dim" if entry.none else ""
    return Text("\n".join(entry.says), style=style)
