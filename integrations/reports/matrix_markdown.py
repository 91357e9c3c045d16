"""The report of the matrix in Markdown: for a pull request, or the summary of a CI's job."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from integrations.matrix.matrix import EnvironmentResult
from integrations.reports.matrix_summary import HEADINGS, details, summary_row


def matrix_markdown(results: Sequence[EnvironmentResult]) -> str:
    """The table, then for each cell what is to be said of it, folded."""
    passed = all(each.passed for each in results)
    return "\n".join(
        (
            f"## Version matrix: {'passed' if passed else '**FAILED**'}",
            "",
            *markdown_table(HEADINGS, map(summary_row, results)),
            *(part for each in results for part in _details(each)),
            "",
        )
    )


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], is_markup: bool = False
) -> Iterator[str]:
    """A table's lines. Its cells are shown as they are, unless they are `marked_up` already."""
    yield _table_row(headings)
    yield _table_row(["---"] * len(headings))
    for row in rows:
        yield _table_row(row if is_markup else [_table_cell(each) for each in row])


def list_item(sentence: str) -> str:
    """A sentence as an item of a list; what stands in it is shown, and marks nothing up."""
    first, *rest = escape_markdown(sentence).splitlines() or [""]
    return "\n".join([f"- {first}", *(f"  {each}" for each in rest)])


def escape_markdown(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join(f"\\{each}" if each in "\\`*_[]<>|~" else each for each in text)


def _details(result: EnvironmentResult) -> Iterator[str]:
    told = list(details(result))
    if not told:
        return
    standing = "" if result.passed else " open"
    yield f"\n<details{standing}><summary>{escape(result.spec.name)}</summary>"
    for detail in told:
        yield f"\n**{detail.heading}**\n"
        yield from map(list_item, detail.sentences)
    yield "\n</details>"


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table_cell(text: str) -> str:
    return " ".join(escape_markdown(text).split())
