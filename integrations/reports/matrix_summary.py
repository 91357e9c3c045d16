"""A summary of a cell: the one line that says how it went, and the sentences that say why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integrations.gaps.gap import Gap
from integrations.matrix.matrix import EnvironmentResult
from integrations.reports.case_names import full_case_name, join_first
from integrations.reports.change_summary import drift_sentences, edit_sentences
from integrations.reports.responsive_table import EMPTY_CELL
from integrations.runner.case_result import CaseResult
from scenarios.tape.drift import SEVERITIES

HEADINGS = (
    "cell",
    "verdict",
    "cases whole",
    "known gaps",
    "trees changed",
    "prompts changed",
    "built",
    "flown",
    "disk",
)
"""Of what `line` says."""
KNOWN_GAPS_HEADING = "known gaps"


@dataclass(frozen=True)
class Detail:
    """What is to be said of a cell under one heading, the worst first."""

    heading: str
    sentences: tuple[str, ...]


def summary_row(result: EnvironmentResult) -> tuple[str, ...]:
    """A cell of the table for each heading."""
    verdict = "passed" if result.passed else "FAILED"
    if result.environment is None:
        return (result.spec.name, verdict, "not installable", *[EMPTY_CELL] * (len(HEADINGS) - 3))
    changed = [row for row in result.case_results if row.edits]
    return (
        result.spec.name,
        verdict,
        _complete_counts(result.case_results),
        "the table's"
        if result.table_comparisons and not result.gap_reconciliations
        else str(len(known_gaps(result))),
        str(len(changed)),
        _drift_summary(result.case_results),
        EMPTY_CELL if result.spec.is_locked else f"{result.environment.took_s:.0f} s",
        f"{result.duration_s:.0f} s",
        f"{result.environment.disk_bytes / 1e6:,.0f} MB",
    )


def details(result: EnvironmentResult) -> Iterator[Detail]:
    """What there is to say beside the line, by heading; nothing where all is as it should be."""
    if result.install_error and result.passed:
        yield Detail("not installable, as declared", (result.install_error,))
    told = (
        Detail("what fails it", result.problems),
        Detail("went otherwise than the case says", tuple(_problem_sentences(result.case_results))),
        Detail("not there", tuple(_unsupported_sentences(result.case_results))),
        Detail(KNOWN_GAPS_HEADING, tuple(_known_gap_sentences(result))),
        Detail(
            "what the trees tell otherwise than their goldens",
            tuple(edit_sentences(result.case_results)),
        ),
        Detail(
            "what the prompts say otherwise than their goldens",
            tuple(drift_sentences(result.case_results)),
        ),
    )
    yield from (each for each in told if each.sentences)


def known_gaps(result: EnvironmentResult) -> Mapping[Gap, tuple[str, ...]]:
    """The declared gaps that are seen, each with the instrumentors that have it."""
    seen: dict[Gap, list[str]] = {}
    for each in result.gap_reconciliations:
        for gap in each.known:
            seen.setdefault(gap, []).append(each.instrumentor)
    return {gap: tuple(instrumentors) for gap, instrumentors in seen.items()}


def _complete_counts(rows: Sequence[CaseResult]) -> str:
    """For each instrumentor, of how many cases all was told: a line each."""
    by_instrumentor: dict[str, list[CaseResult]] = {}
    for row in rows:
        by_instrumentor.setdefault(row.instrumentor, []).append(row)
    told = []
    for instrumentor, its in by_instrumentor.items():
        there = [row for row in its if not row.unsupported]
        whole = sum(row.is_complete for row in there)
        told.append(f"{instrumentor} {whole}/{len(there)}" if there else f"{instrumentor} none")
    return ",\n".join(told)


def _drift_summary(rows: Iterable[CaseResult]) -> str:
    """How many cases ask otherwise, and how badly at worst."""
    drifted = [row for row in rows if row.request_drifts]
    severities = [drift.severity for row in drifted for drift in row.request_drifts]
    return (
        f"{len(set(map(full_case_name, drifted)))} ({max(severities, key=SEVERITIES.index)})"
        if severities
        else "0"
    )


def _problem_sentences(rows: Iterable[CaseResult]) -> Iterator[str]:
    for row in rows:
        if row.problem:
            yield f"{full_case_name(row)}, {row.instrumentor}: {row.problem}"


def _unsupported_sentences(rows: Iterable[CaseResult]) -> Iterator[str]:
    lacking: dict[str, list[str]] = {}
    for row in rows:
        if row.unsupported:
            lacking.setdefault(f"{row.instrumentor}: {row.unsupported}", []).append(
                full_case_name(row)
            )
    for why, cases in lacking.items():
        yield f"{why} ({join_first(cases)})"


def _known_gap_sentences(flown: EnvironmentResult) -> Iterator[str]:
    for gap, instrumentors in known_gaps(flown).items():
        mended = f"; mended by our patch {gap.patch}" if gap.patch else ""
        who = ", ".join(instrumentors)
        yield f"{gap.name} ({gap.framework}; {who}): {gap.symptom}; {gap.upstream}{mended}"
