"""Tables: in Markdown, and on a terminal, where they become text if the window is narrow."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scenarios.reports import document_parts

UNLIMITED_WIDTH = 10_000
EMPTY_CELL = "–"
"""The content of a cell without a value."""


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], is_markup: bool = False
) -> list[str]:
    """Return the lines of a table. Its cells are escaped, unless they are Markdown already."""
    return document_parts.markdown_table(
        headings, rows if is_markup else (list(map(_escape_cell, row)) for row in rows)
    )


def list_item(sentence: str) -> str:
    """Return a list item with an escaped text, which may have several lines."""
    first, *rest = escape_markdown(sentence).splitlines() or [""]
    return "\n".join([f"- {first}", *(f"  {line}" for line in rest)])


def escape_markdown(text: str) -> str:
    """Return Markdown that shows a text as it is."""
    return "".join(f"\\{each}" if each in "\\`*_[]<>|~" else each for each in text)


def _escape_cell(text: str) -> str:
    return " ".join(escape_markdown(text).split())


@dataclass(frozen=True)
class ResponsiveTable:
    """A table whose words are never broken and whose numbers are never cut."""

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
        for row, (name, *values) in zip(self.table.rows, cells, strict=True):
            pairs = zip(headings, map(_one_line, values), strict=True)
            text = "; ".join(
                f"{heading}: {value}" for heading, value in pairs if value not in ("", EMPTY_CELL)
            )
            yield Text(_one_line(name), style=row.style or "")
            yield Padding(Text(text), (0, 0, 0, 2))


def _one_line(cell: RenderableType) -> str:
    return ", ".join(part.removesuffix(",") for part in str(cell).splitlines())
