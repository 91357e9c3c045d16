"""Markdown tables, list items and escaping."""

from collections.abc import Iterable, Iterator, Sequence


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], is_markup: bool = False
) -> Iterator[str]:
    """Yield the lines of a table. Its cells are escaped, unless they are Markdown already."""
    yield _table_row(headings)
    yield _table_row(["---"] * len(headings))
    for row in rows:
        yield _table_row(row if is_markup else [_escape_cell(cell) for cell in row])


def list_item(sentence: str) -> str:
    """Return a list item with an escaped text, which may have several lines."""
    first, *rest = escape_markdown(sentence).splitlines() or [""]
    return "\n".join([f"- {first}", *(f"  {line}" for line in rest)])


def escape_markdown(text: str) -> str:
    """Return Markdown that shows a text as it is."""
    return "".join(f"\\{each}" if each in "\\`*_[]<>|~" else each for each in text)


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape_cell(text: str) -> str:
    return " ".join(escape_markdown(text).split())
