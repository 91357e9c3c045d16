"""The results of an environment, summed up as a table row and as sentences under headings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integrations.gaps.gap import Gap
from integrations.gaps.reconciliation import join_limited
from integrations.goldens.trees.edit_script import Edit
from integrations.reports.tables import EMPTY_CELL
from integrations.runner.case_result import CaseResult
from integrations.runner.matrix import EnvironmentResult
from scenarios.tape.requests.drift import SEVERITIES, Change

HEADINGS = (
    "environment",
    "verdict",
    "cases complete",
    "known gaps",
    "trees changed",
    "prompts changed",
    "build",
    "run",
    "disk",
)
"""The headings of a `summary_row`."""
KNOWN_GAPS_HEADING = "known gaps"
MAX_NAMED = 3
"""How many names a sentence about a change lists."""


@dataclass(frozen=True)
class Detail:
    """Sentences under a heading, the most severe first."""

    heading: str
    sentences: tuple[str, ...]


def summary_row(result: EnvironmentResult) -> tuple[str, ...]:
    """Return the cells of an environment's row."""
    verdict = "passed" if result.passed else "FAILED"
    environment = result.environment
    if environment is None:
        return (result.spec.name, verdict, "not installable", *[EMPTY_CELL] * (len(HEADINGS) - 3))
    uses_table = bool(result.table_comparisons) and not result.gap_reconciliations
    return (
        result.spec.name,
        verdict,
        _complete_counts(result.case_results),
        "see FIDELITY.md" if uses_table else str(len(known_gaps(result))),
        str(sum(bool(each.edits) for each in result.case_results)),
        _drift_summary(result.case_results),
        EMPTY_CELL if result.spec.is_locked else f"{environment.build_s:.0f} s",
        f"{result.duration_s:.0f} s",
        f"{environment.disk_bytes / 1e6:,.0f} MB",
    )


def details(result: EnvironmentResult) -> Iterator[Detail]:
    """Yield what a row does not show; nothing if everything is as expected."""
    if result.install_error and result.passed:
        yield Detail("not installable, as declared", (result.install_error,))
    results = result.case_results
    every = (
        Detail("problems", result.problems),
        Detail("unexpected outcome", tuple(_problem_sentences(results))),
        Detail("not supported", tuple(_unsupported_sentences(results))),
        Detail(KNOWN_GAPS_HEADING, tuple(_known_gap_sentences(result))),
        Detail("changed trees", tuple(_edit_sentences(results))),
        Detail("changed prompts", tuple(_drift_sentences(results))),
    )
    yield from (each for each in every if each.sentences)


def known_gaps(result: EnvironmentResult) -> Mapping[Gap, tuple[str, ...]]:
    """Return the declared gaps that were observed, each with the instrumentors that have it."""
    instrumentors: dict[Gap, list[str]] = {}
    for reconciliation in result.gap_reconciliations:
        for gap in reconciliation.known:
            instrumentors.setdefault(gap, []).append(reconciliation.instrumentor)
    return {gap: tuple(names) for gap, names in instrumentors.items()}


def _complete_counts(results: Sequence[CaseResult]) -> str:
    """Return how many cases are complete, one line per instrumentor."""
    by_instrumentor: dict[str, list[CaseResult]] = {}
    for result in results:
        by_instrumentor.setdefault(result.instrumentor, []).append(result)
    lines = []
    for instrumentor, group in by_instrumentor.items():
        supported = [result for result in group if not result.unsupported]
        complete = sum(result.is_complete for result in supported)
        lines.append(f"{instrumentor} {f'{complete}/{len(supported)}' if supported else 'none'}")
    return ",\n".join(lines)


def _drift_summary(results: Iterable[CaseResult]) -> str:
    """Return how many cases send other requests, and the worst severity."""
    drifted = [result for result in results if result.request_drifts]
    if not drifted:
        return "0"
    severities = [drift.severity for result in drifted for drift in result.request_drifts]
    cases = {result.case.full_name for result in drifted}
    return f"{len(cases)} ({max(severities, key=SEVERITIES.index)})"


def _problem_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    for result in results:
        if result.problem:
            yield f"{result.case.full_name}, {result.instrumentor}: {result.problem}"


def _unsupported_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    cases: dict[str, list[str]] = {}
    for result in results:
        if result.unsupported:
            reason = f"{result.instrumentor}: {result.unsupported}"
            cases.setdefault(reason, []).append(result.case.full_name)
    for reason, names in cases.items():
        yield f"{reason} ({join_limited(names, MAX_NAMED)})"


def _known_gap_sentences(result: EnvironmentResult) -> Iterator[str]:
    for gap, instrumentors in known_gaps(result).items():
        fix = f"; fixed by our patch {gap.patch}" if gap.patch else ""
        names = ", ".join(instrumentors)
        yield f"{gap.name} ({gap.framework}; {names}): {gap.symptom}; {gap.upstream}{fix}"


def _edit_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    """Describe how trees differ from their goldens, by instrumentor."""
    cases: dict[tuple[str, Edit], list[str]] = {}
    for result in results:
        for edit in result.edits:
            cases.setdefault((result.instrumentor, edit), []).append(result.case.full_name)
    for instrumentor, edit in sorted(cases, key=lambda key: (-key[1].severity, key[0])):
        yield f"{instrumentor}: {edit} ({join_limited(cases[instrumentor, edit], MAX_NAMED)})"


def _drift_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    """Describe how prompts differ from their goldens, for all instrumentors together."""
    calls: dict[Change, dict[str, None]] = {}
    cases: dict[Change, dict[str, None]] = {}
    for result in results:
        for drift in result.request_drifts:
            for change in drift.changes:
                calls.setdefault(change, {})[drift.location] = None
                cases.setdefault(change, {})[result.case.full_name] = None
    for change in sorted(calls, key=lambda each: -SEVERITIES.index(each.severity)):
        where = join_limited(calls[change], MAX_NAMED, "; ")
        names = join_limited(cases[change], MAX_NAMED)
        yield f"{where} ({change.severity}): {change.description} ({names})"
