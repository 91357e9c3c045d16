"""Changes: how a table that was just counted differs from the one that is kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from integrations.fidelity.fidelity_table import Table
from integrations.fidelity.table_entry import Entry
from integrations.gaps.gap import Gap
from integrations.reports.fidelity_page import page


def changes(kept: Table, seen: Table, every_case: bool = True) -> Iterator[str]:
    """A sentence for each; of columns, and of cases, that were not counted now, none."""
    for column, versions in seen.versions.items():
        if column not in kept.versions:
            yield f"{column}: the kept table does not have this column"
        else:
            yield from _versions(column, dict(kept.versions[column]), dict(versions))
    if every_case:
        yield from _rows(kept, seen)
    for place, entry in seen.entries.items():
        was = kept.entries.get(place)
        if was is not None and was != entry:
            framework, case, column = place
            yield f"{framework}/{case}, {column}: {_differs(was, entry)}"


def unlike(kept: Table, known: Sequence[Gap], file: Path) -> Iterator[str]:
    """A sentence where the page is not that of the kept table."""
    if not file.is_file() or file.read_text("utf-8") != page(kept, known):
        yield f"{file.name} is not the page of the kept table"


def _versions(column: str, kept: dict[str, str], seen: dict[str, str]) -> Iterator[str]:
    for package in sorted({*kept, *seen}):
        was, now = kept.get(package, "none"), seen.get(package, "none")
        if was != now:
            yield f"{column}: the table has {package} {was}, and its environment {now}"


def _rows(kept: Table, seen: Table) -> Iterator[str]:
    old = {(framework, case) for framework, its in kept.titles.items() for case in its}
    new = {(framework, case) for framework, its in seen.titles.items() for case in its}
    for framework, case in sorted(old - new):
        yield f"{framework}/{case}: is in the table, and is no case any more"
    for framework, case in sorted(new - old):
        yield f"{framework}/{case}: is a case, and not in the table"
    if old == new and kept.titles != seen.titles:
        yield "the titles of the cases, or their order, are not those of the table"


def _differs(was: Entry, now: Entry) -> str:
    if not was.counts or not now.counts:
        return f"it was {_why(was)}, and is {_why(now)}"
    measures = (name for name in now.counts if now.counts[name] != was.counts.get(name))
    return (
        ", ".join(f"{name} {_of(was, name)} before, {_of(now, name)} now" for name in measures)
        or "fewer measures are counted"
    )


def _of(entry: Entry, measure: str) -> str:
    count = entry.counts.get(measure)
    return f"{count.trace}/{count.ledger}" if count else "not counted"


def _why(entry: Entry) -> str:
    return entry.none or entry.trouble or ", ".join(entry.says)
