"""The report of the matrix on a terminal, or in a CI's log: what changed, then a row a cell."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from integrations.matrix.matrix import EnvironmentResult
from integrations.reports.matrix_summary import (
    HEADINGS,
    KNOWN_GAPS_HEADING,
    Detail,
    details,
    known_gaps,
    summary_row,
)
from integrations.reports.responsive_table import ResponsiveTable

MAX_SENTENCES = 12
"""How many sentences are shown under a heading; the Markdown and the JSON have them all."""


def render_matrix(results: Sequence[EnvironmentResult]) -> RenderableType:
    """The table, then cell by cell what is to be said of it, then the verdict."""
    passed = all(each.passed for each in results)
    verdict = Text("passed", "bold green") if passed else Text("FAILED", "bold red")
    return Group(
        *(part for each in results for part in _details(each)),
        ResponsiveTable(summary_table(results)),
        Text.assemble("\n", ("matrix", "bold"), ": ", verdict),
    )


def summary_table(results: Sequence[EnvironmentResult]) -> Table:
    """A row a cell."""
    shown = Table(*HEADINGS, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for each in results:
        shown.add_row(*summary_row(each), style="" if each.passed else "red")
    return shown


def _details(result: EnvironmentResult) -> Iterator[RenderableType]:
    told = [_shorten_known_gaps(detail, result) for detail in details(result)]
    if told:
        yield Text(f"\n{result.spec.name}", style="bold")
    for detail in told:
        yield Text(f"  {detail.heading}", style="underline")
        for sentence in detail.sentences[:MAX_SENTENCES]:
            yield Padding(Text(sentence), (0, 0, 0, 4))
        if len(detail.sentences) > MAX_SENTENCES:
            more = len(detail.sentences) - MAX_SENTENCES
            yield Text(f"    and {more} more: --markdown FILE or --json has them", style="dim")


def _shorten_known_gaps(detail: Detail, result: EnvironmentResult) -> Detail:
    """Of the known gaps the names alone: what they are stands in their declaration."""
    if detail.heading != KNOWN_GAPS_HEADING:
        return detail
    return Detail(KNOWN_GAPS_HEADING, (", ".join(gap.name for gap in known_gaps(result)),))
