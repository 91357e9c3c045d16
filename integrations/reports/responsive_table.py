"""A roomy table: one that is shown where there is room for it, and else row by row in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

AMPLE = 10_000
"""More columns than any table has."""
NONE = "–"
"""What stands in a table where there is nothing to be said."""


@dataclass(frozen=True)
class Roomy:
    """Too narrow a window would break its words, and cut its numbers."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        measured = self.table.__rich_measure__(console, options.update(max_width=AMPLE))
        if measured.maximum <= options.max_width:
            yield self.table
        else:
            yield from self._in_words()

    def _in_words(self) -> Iterator[RenderableType]:
        _, *headings = (_line(column.header) for column in self.table.columns)
        cells = zip(*(column.cells for column in self.table.columns), strict=True)
        for row, (name, *rest) in zip(self.table.rows, cells, strict=True):
            told = zip(headings, map(_line, rest), strict=True)
            says = "; ".join(
                f"{heading}: {each}" for heading, each in told if each not in ("", NONE)
            )
            yield Text(_line(name), style=row.style or "")
            yield Padding(Text(says), (0, 0, 0, 2))


def _line(cell: RenderableType) -> str:
    return ", ".join(part.removesuffix(",") for part in str(cell).splitlines())
