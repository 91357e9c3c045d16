"""Describes the changes between the stored fidelity table and one that was just measured."""

from collections.abc import Iterator, Mapping

from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.table_entry import TableEntry


def table_changes(
    stored: FidelityTable, measured: FidelityTable, every_case: bool = True
) -> Iterator[str]:
    """Yield a sentence for each change.

    Instrumentors that were not measured are not compared. Neither is the list of cases, if
    `every_case` is false.
    """
    for instrumentor, versions in measured.versions.items():
        if instrumentor not in stored.versions:
            yield f"{instrumentor}: the stored table does not have this instrumentor"
        else:
            yield from _version_changes(instrumentor, stored.versions[instrumentor], versions)
    if every_case:
        yield from _case_changes(stored, measured)
    for key, entry in measured.entries.items():
        old = stored.entries.get(key)
        if old is not None and old != entry:
            framework, case, instrumentor = key
            yield f"{framework}/{case}, {instrumentor}: {_describe_change(old, entry)}"


def _version_changes(
    instrumentor: str, stored: Mapping[str, str], measured: Mapping[str, str]
) -> Iterator[str]:
    for package in sorted({*stored, *measured}):
        old, new = stored.get(package, "none"), measured.get(package, "none")
        if old != new:
            yield f"{instrumentor}: the table has {package} {old}, its environment has {new}"


def _case_changes(stored: FidelityTable, measured: FidelityTable) -> Iterator[str]:
    old = {(framework, case) for framework, titles in stored.titles.items() for case in titles}
    new = {(framework, case) for framework, titles in measured.titles.items() for case in titles}
    for framework, case in sorted(old - new):
        yield f"{framework}/{case}: is in the table, but is not a case any more"
    for framework, case in sorted(new - old):
        yield f"{framework}/{case}: is a case, but is not in the table"
    if old == new and stored.titles != measured.titles:
        yield "the titles of the cases, or their order, differ from the table"


def _describe_change(old: TableEntry, new: TableEntry) -> str:
    if not old.counts or not new.counts:
        return f"was {_describe_entry(old)}, is {_describe_entry(new)}"
    changed = (measure for measure in new.counts if new.counts[measure] != old.counts.get(measure))
    return (
        ", ".join(
            f"{measure} was {_format_count(old, measure)}, is {_format_count(new, measure)}"
            for measure in changed
        )
        or "fewer measures are counted"
    )


def _format_count(entry: TableEntry, measure: str) -> str:
    count = entry.counts.get(measure)
    return f"{count.trace}/{count.ledger}" if count else "not counted"


def _describe_entry(entry: TableEntry) -> str:
    return entry.not_applicable or entry.problem or ", ".join(entry.summary)
