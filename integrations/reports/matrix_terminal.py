"""The report of the matrix on a terminal, or in a CI's log: what changed, then a row a cell."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from integrations.matrix.matrix import Flown
from integrations.reports.matrix_summary import HEADINGS, KNOWN, Detail, details, known, line
from integrations.reports.responsive_table import Roomy

SHOWN = 12
"""How many sentences are shown under a heading; the Markdown and the JSON have them all."""


def report(flown: Sequence[Flown]) -> RenderableType:
    """The table, then cell by cell what is to be said of it, then the verdict."""
    passed = all(each.passed for each in flown)
    verdict = Text("passed", "bold green") if passed else Text("FAILED", "bold red")
    return Group(
        *(part for each in flown for part in _details(each)),
        Roomy(table(flown)),
        Text.assemble("\n", ("matrix", "bold"), ": ", verdict),
    )


def table(flown: Sequence[Flown]) -> Table:
    """A row a cell."""
    shown = Table(*HEADINGS, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for each in flown:
        shown.add_row(*line(each), style="" if each.passed else "red")
    return shown


def _details(flown: Flown) -> Iterator[RenderableType]:
    told = [_short(detail, flown) for detail in details(flown)]
    if told:
        yield Text(f"\n{flown.cell.name}", style="bold")
    for detail in told:
        yield Text(f"  {detail.heading}", style="underline")
        for sentence in detail.sentences[:SHOWN]:
            yield Padding(Text(sentence), (0, 0, 0, 4))
        if len(detail.sentences) > SHOWN:
            more = len(detail.sentences) - SHOWN
            yield Text(f"    and {more} more: --markdown FILE or --json has them", style="dim")


def _short(detail: Detail, flown: Flown) -> Detail:
    """Of the known gaps the names alone: what they are stands in their declaration."""
    if detail.heading != KNOWN:
        return detail
    return Detail(KNOWN, (", ".join(gap.name for gap in known(flown)),))
