"""Changes: how a table that was just counted differs from the one that is kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.table_entry import TableEntry
from integrations.gaps.gap import Gap
from integrations.reports.fidelity_page import fidelity_page


def table_changes(
    stored: FidelityTable, measured: FidelityTable, every_case: bool = True
) -> Iterator[str]:
    """A sentence for each; of columns, and of cases, that were not counted now, none."""
    for column, versions in measured.versions.items():
        if column not in stored.versions:
            yield f"{column}: the kept table does not have this column"
        else:
            yield from _version_changes(column, dict(stored.versions[column]), dict(versions))
    if every_case:
        yield from _case_changes(stored, measured)
    for place, entry in measured.entries.items():
        was = stored.entries.get(place)
        if was is not None and was != entry:
            framework, case, column = place
            yield f"{framework}/{case}, {column}: {_describe_difference(was, entry)}"


def page_problems(stored: FidelityTable, known_gaps: Sequence[Gap], file: Path) -> Iterator[str]:
    """A sentence where the page is not that of the kept table."""
    if not file.is_file() or file.read_text("utf-8") != fidelity_page(stored, known_gaps):
        yield f"{file.name} is not the page of the kept table"


def _version_changes(column: str, kept: dict[str, str], seen: dict[str, str]) -> Iterator[str]:
    for package in sorted({*kept, *seen}):
        was, now = kept.get(package, "none"), seen.get(package, "none")
        if was != now:
            yield f"{column}: the table has {package} {was}, and its environment {now}"


def _case_changes(kept: FidelityTable, seen: FidelityTable) -> Iterator[str]:
    old = {(framework, case) for framework, its in kept.titles.items() for case in its}
    new = {(framework, case) for framework, its in seen.titles.items() for case in its}
    for framework, case in sorted(old - new):
        yield f"{framework}/{case}: is in the table, and is no case any more"
    for framework, case in sorted(new - old):
        yield f"{framework}/{case}: is a case, and not in the table"
    if old == new and kept.titles != seen.titles:
        yield "the titles of the cases, or their order, are not those of the table"


def _describe_difference(was: TableEntry, now: TableEntry) -> str:
    if not was.counts or not now.counts:
        return f"it was {_describe_entry(was)}, and is {_describe_entry(now)}"
    measures = (name for name in now.counts if now.counts[name] != was.counts.get(name))
    return (
        ", ".join(
            f"{name} {_format_count(was, name)} before, {_format_count(now, name)} now"
            for name in measures
        )
        or "fewer measures are counted"
    )


def _format_count(entry: TableEntry, measure: str) -> str:
    count = entry.counts.get(measure)
    return f"{count.trace}/{count.ledger}" if count else "not counted"


def _describe_entry(entry: TableEntry) -> str:
    return entry.not_applicable or entry.problem or ", ".join(entry.summary)
