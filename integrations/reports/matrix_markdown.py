"""The report of the matrix in Markdown, for a pull request or a CI job's summary."""

from collections.abc import Iterator, Sequence
from html import escape

from integrations.matrix.environment_result import EnvironmentResult
from integrations.reports.markdown import list_item, markdown_table
from integrations.reports.matrix_summary import HEADINGS, details, summary_row


def matrix_markdown(results: Sequence[EnvironmentResult]) -> str:
    """Return the table, then the details of each environment, folded if it passed."""
    passed = all(each.passed for each in results)
    return "\n".join(
        (
            f"## Version matrix: {'passed' if passed else '**FAILED**'}",
            "",
            *markdown_table(HEADINGS, map(summary_row, results)),
            *(line for each in results for line in _detail_lines(each)),
            "",
        )
    )


def _detail_lines(result: EnvironmentResult) -> Iterator[str]:
    every = list(details(result))
    if not every:
        return
    is_open = "" if result.passed else " open"
    yield f"\n<details{is_open}><summary>{escape(result.spec.name)}</summary>"
    for detail in every:
        yield f"\n**{detail.heading}**\n"
        yield from map(list_item, detail.sentences)
    yield "\n</details>"
