"""Compare a fidelity table with the stored one, and find misses that no declared gap explains."""

from collections.abc import Iterator, Mapping, Sequence

from integrations.fidelity.fidelity_table import FidelityTable, TableEntry
from integrations.fidelity.table_comparison import format_count
from integrations.gaps.gap import OUTCOME, Gap
from integrations.instrumentors.registry import OURS


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
            f"{measure} was {format_count(old.counts.get(measure))},"
            f" is {format_count(new.counts.get(measure))}"
            for measure in changed
        )
        or "fewer measures are counted"
    )


def _describe_entry(entry: TableEntry) -> str:
    return entry.not_applicable or entry.problem or ", ".join(entry.summary)


def gap_reasons(table: FidelityTable, known_gaps: Sequence[Gap]) -> Iterator[tuple[str, str, str]]:
    """Yield framework, "case, measure", and the reason; empty if no gap is declared."""
    packages = table.versions.get(OURS, {})
    for (framework, case, instrumentor), entry in table.entries.items():
        if instrumentor != OURS or entry.not_applicable or entry.is_complete:
            continue
        gaps = [gap for gap in known_gaps if gap.applies_to(framework, OURS, packages)]
        for measure in entry.incomplete_counts or (OUTCOME,):
            causes = [
                gap for gap in gaps if (case, measure) in gap.expected_misses({case: entry.counts})
            ]
            reason = "; ".join(f"{gap.symptom} ({gap.upstream})" for gap in causes)
            yield framework, f"{case}, {measure}", reason


def unexplained_misses(table: FidelityTable, known_gaps: Sequence[Gap]) -> Iterator[str]:
    """Yield a sentence for each incomplete measure that no declared gap explains."""
    for framework, measure_of_case, reason in gap_reasons(table, known_gaps):
        if not reason:
            yield (
                f"ours is incomplete in {framework}/{measure_of_case}: fix it, or declare it as a"
                " gap in integrations/gaps"
            )
