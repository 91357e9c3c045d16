"""The report of the matrix in Markdown: for a pull request, or the summary of a CI's job."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from integrations.matrix.matrix import Flown
from integrations.reports.matrix_summary import HEADINGS, details, line


def markdown(flown: Sequence[Flown]) -> str:
    """The table, then for each cell what is to be said of it, folded."""
    passed = all(each.passed for each in flown)
    return "\n".join(
        (
            f"## Version matrix: {'passed' if passed else '**FAILED**'}",
            "",
            *table(HEADINGS, map(line, flown)),
            *(part for each in flown for part in _details(each)),
            "",
        )
    )


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], marked_up: bool = False
) -> Iterator[str]:
    """A table's lines. Its cells are shown as they are, unless they are `marked_up` already."""
    yield _row(headings)
    yield _row(["---"] * len(headings))
    for row in rows:
        yield _row(row if marked_up else [_cell(each) for each in row])


def item(sentence: str) -> str:
    """A sentence as an item of a list; what stands in it is shown, and marks nothing up."""
    first, *rest = plain(sentence).splitlines() or [""]
    return "\n".join([f"- {first}", *(f"  {each}" for each in rest)])


def plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join(f"\\{each}" if each in "\\`*_[]<>|~" else each for each in text)


def _details(flown: Flown) -> Iterator[str]:
    told = list(details(flown))
    if not told:
        return
    standing = "" if flown.passed else " open"
    yield f"\n<details{standing}><summary>{escape(flown.cell.name)}</summary>"
    for detail in told:
        yield f"\n**{detail.heading}**\n"
        yield from map(item, detail.sentences)
    yield "\n</details>"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(plain(text).split())
