"""A roomy table: one that is shown where there is room for it, and else row by row in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

UNLIMITED_WIDTH = 10_000
"""More columns than any table has."""
EMPTY_CELL = "–"
"""What stands in a table where there is nothing to be said."""


@dataclass(frozen=True)
class ResponsiveTable:
    """Too narrow a window would break its words, and cut its numbers."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        measured = self.table.__rich_measure__(console, options.update(max_width=UNLIMITED_WIDTH))
        if measured.maximum <= options.max_width:
            yield self.table
        else:
            yield from self._rows_as_text()

    def _rows_as_text(self) -> Iterator[RenderableType]:
        _, *headings = (_one_line(column.header) for column in self.table.columns)
        cells = zip(*(column.cells for column in self.table.columns), strict=True)
        for row, (name, *rest) in zip(self.table.rows, cells, strict=True):
            told = zip(headings, map(_one_line, rest), strict=True)
            says = "; ".join(
                f"{heading}: {each}" for heading, each in told if each not in ("", EMPTY_CELL)
            )
            yield Text(_one_line(name), style=row.style or "")
            yield Padding(Text(says), (0, 0, 0, 2))


def _one_line(cell: RenderableType) -> str:
    return ", ".join(part.removesuffix(",") for part in str(cell).splitlines())
