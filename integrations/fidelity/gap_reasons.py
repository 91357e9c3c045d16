"""Explains the incomplete entries of our own instrumentation by the declared gaps."""

from collections.abc import Iterator, Sequence

from integrations.fidelity.fidelity_table import FidelityTable
from integrations.gaps.gap import OUTCOME, Gap
from integrations.instrumentors.registry import OURS


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
