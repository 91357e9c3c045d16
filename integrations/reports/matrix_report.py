"""Report how the cases fared in each environment of the version matrix: rich text and Markdown."""

from collections.abc import Iterator, Sequence
from html import escape

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from integrations.reports.matrix_summary import (
    HEADINGS,
    KNOWN_GAPS_HEADING,
    Detail,
    details,
    known_gaps,
    summary_row,
)
from integrations.reports.tables import ResponsiveTable, list_item, markdown_table
from integrations.runner.matrix import EnvironmentResult

MAX_SENTENCES = 12
"""How many sentences are printed under a heading. Markdown and JSON have all of them."""


def render_matrix(results: Sequence[EnvironmentResult]) -> RenderableType:
    """Return the details of each environment, the table and the verdict."""
    passed = all(each.passed for each in results)
    verdict = Text("passed", "bold green") if passed else Text("FAILED", "bold red")
    return Group(
        *(line for each in results for line in _detail_lines(each)),
        ResponsiveTable(_summary_table(results)),
        Text.assemble("\n", ("matrix", "bold"), ": ", verdict),
    )


def _summary_table(results: Sequence[EnvironmentResult]) -> Table:
    table = Table(*HEADINGS, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for each in results:
        table.add_row(*summary_row(each), style="" if each.passed else "red")
    return table


def _detail_lines(result: EnvironmentResult) -> Iterator[RenderableType]:
    shortened = [_shorten_known_gaps(detail, result) for detail in details(result)]
    if shortened:
        yield Text(f"\n{result.spec.name}", style="bold")
    for detail in shortened:
        yield Text(f"  {detail.heading}", style="underline")
        for sentence in detail.sentences[:MAX_SENTENCES]:
            yield Padding(Text(sentence), (0, 0, 0, 4))
        if len(detail.sentences) > MAX_SENTENCES:
            more = len(detail.sentences) - MAX_SENTENCES
            yield Text(f"    and {more} more: see --markdown FILE or --json", style="dim")


def _shorten_known_gaps(detail: Detail, result: EnvironmentResult) -> Detail:
    """Print only the names of known gaps. Their declarations say the rest."""
    if detail.heading != KNOWN_GAPS_HEADING:
        return detail
    return Detail(KNOWN_GAPS_HEADING, (", ".join(gap.name for gap in known_gaps(result)),))


def matrix_markdown(results: Sequence[EnvironmentResult]) -> str:
    """Return the table, then the details of each environment, folded if it passed."""
    passed = all(each.passed for each in results)
    return "\n".join(
        (
            f"## Version matrix: {'passed' if passed else '**FAILED**'}",
            "",
            *markdown_table(HEADINGS, map(summary_row, results)),
            *(line for each in results for line in _markdown_details(each)),
            "",
        )
    )


def _markdown_details(result: EnvironmentResult) -> Iterator[str]:
    every = list(details(result))
    if not every:
        return
    is_open = "" if result.passed else " open"
    yield f"\n<details{is_open}><summary>{escape(result.spec.name)}</summary>"
    for detail in every:
        yield f"\n**{detail.heading}**\n"
        yield from map(list_item, detail.sentences)
    yield "\n</details>"
