"""Reasons: why what is ours does not tell all of a case, from the gaps that are declared."""

from collections.abc import Iterator, Sequence

from integrations.fidelity.fidelity_table import FidelityTable
from integrations.gaps.gap import Gap

OURS = "ours"


def gap_reasons(table: FidelityTable, known_gaps: Sequence[Gap]) -> Iterator[tuple[str, str, str]]:
    """Framework, case and why; the reason is empty where none is declared."""
    packages = table.versions.get(OURS, {})
    for (framework, case, column), entry in table.entries.items():
        if column != OURS or entry.not_applicable or entry.is_complete:
            continue
        counts = {case: entry.counts}
        gaps = [gap for gap in known_gaps if gap.applies_to(framework, OURS, packages)]
        for measure in entry.incomplete_counts or ("flight",):
            why = [gap for gap in gaps if (case, measure) in gap.expected_misses(counts)]
            said = "; ".join(f"{gap.symptom} ({gap.upstream})" for gap in why)
            yield framework, f"{case}, {measure}", said


def unexplained_misses(table: FidelityTable, known_gaps: Sequence[Gap]) -> Iterator[str]:
    """A sentence for each thing that ours does not tell, and nobody has said why."""
    for framework, what, reason in gap_reasons(table, known_gaps):
        if not reason:
            yield (
                f"ours does not tell all of {framework}/{what}: mend it, or declare it as a gap in"
                " integrations/gaps/known"
            )
