"""Reasons: why what is ours does not tell all of a case, from the gaps that are declared."""

from collections.abc import Iterator, Sequence

from integrations.fidelity.fidelity_table import Table
from integrations.gaps.gap import Gap

OURS = "ours"


def reasons(table: Table, known: Sequence[Gap]) -> Iterator[tuple[str, str, str]]:
    """Framework, case and why; the reason is empty where none is declared."""
    packages = table.versions.get(OURS, {})
    for (framework, case, column), entry in table.entries.items():
        if column != OURS or entry.none or entry.whole:
            continue
        counts = {case: entry.counts}
        gaps = [gap for gap in known if gap.concerns(framework, OURS, packages)]
        for measure in entry.missed or ("flight",):
            why = [gap for gap in gaps if (case, measure) in gap.expected(counts)]
            said = "; ".join(f"{gap.symptom} ({gap.upstream})" for gap in why)
            yield framework, f"{case}, {measure}", said


def unexplained(table: Table, known: Sequence[Gap]) -> Iterator[str]:
    """A sentence for each thing that ours does not tell, and nobody has said why."""
    for framework, what, reason in reasons(table, known):
        if not reason:
            yield (
                f"ours does not tell all of {framework}/{what}: mend it, or declare it as a gap in"
                " integrations/gaps/known"
            )
