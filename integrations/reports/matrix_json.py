"""The report of the matrix as JSON, in a stable, versioned format.

- `format`: the version of this format;
- `passed`: what the exit code says;
- `environments`, each with
  - `environment` (its name), `requirements`, `passed`, `problems` (sentences), `not_installable`
    (the resolver's reason, or null), `packages` (versions by name), `seconds` (`build`, `run`) and
    `bytes` (`disk`: all of its files; `own`: those that it shares with no other);
  - `results`, each with `framework`, `case`, `instrumentor`, `unsupported` and `problem`
    (sentences, or null), `counts` (by measure: `happened`, `recorded`), `bytes` of what was
    recorded, `edits` (`kind`, `path`, `description`, `times`) and `drift` (`lane`, `call`,
    `severity`, `descriptions`);
  - `gaps`, each with `gap`, `framework`, `instrumentor`, `upstream`, `patch`, `state` ("known",
    "fixed" or, if no gap is declared, "undeclared") and `misses` (cases by measure);
  - `table_differences` of instrumentors without declared gaps, each with `framework`,
    `instrumentor`, `case`, `measure`, `direction` ("worse", "better" or "different"), and
    `measured` and `stored` (`happened`, `recorded`, or null).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from integrations.fidelity.table_comparison import TableComparison
from integrations.gaps.gap import CaseMeasure, Gap
from integrations.gaps.reconciliation import GapReconciliation
from integrations.runner.case_result import CaseResult
from integrations.runner.matrix import EnvironmentResult
from scenarios.player.fidelity import FidelityCount

FORMAT = "integration-matrix/2"


def matrix_document(results: Sequence[EnvironmentResult]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "passed": all(each.passed for each in results),
        "environments": [_environment_object(each) for each in results],
    }


def _environment_object(result: EnvironmentResult) -> dict[str, Any]:
    environment = result.environment
    return {
        "environment": result.spec.name,
        "requirements": list(result.spec.requirements),
        "passed": result.passed,
        "problems": list(result.problems),
        "not_installable": result.install_error or None,
        "packages": dict(environment.packages) if environment else {},
        "seconds": {
            "build": environment.build_s if environment else None,
            "run": round(result.duration_s, 2),
        },
        "bytes": {
            "disk": environment.disk_bytes if environment else None,
            "own": environment.unshared_bytes if environment else None,
        },
        "results": [_result_object(each) for each in result.case_results],
        "gaps": [gap for each in result.gap_reconciliations for gap in _gap_objects(each)],
        "table_differences": [
            difference
            for each in result.table_comparisons
            for difference in _difference_objects(each)
        ],
    }


def _result_object(result: CaseResult) -> dict[str, Any]:
    return {
        "framework": result.case.framework,
        "case": result.case.name,
        "instrumentor": result.instrumentor,
        "unsupported": result.unsupported or None,
        "problem": result.problem or None,
        "counts": {measure: _count_object(count) for measure, count in result.counts.items()},
        "bytes": result.stored_bytes,
        "edits": [asdict(edit) for edit in result.edits],
        "drift": [
            {
                "lane": drift.lane,
                "call": drift.call,
                "severity": drift.severity,
                "descriptions": [change.description for change in drift.changes],
            }
            for drift in result.request_drifts
        ],
    }


def _count_object(count: FidelityCount | None) -> dict[str, int] | None:
    return {"happened": count.ledger, "recorded": count.trace} if count else None


def _difference_objects(comparison: TableComparison) -> Iterator[dict[str, Any]]:
    for each in comparison.differences:
        yield {
            "framework": comparison.framework,
            "instrumentor": comparison.instrumentor,
            "case": each.case,
            "measure": each.measure,
            "direction": each.direction,
            "measured": _count_object(each.measured),
            "stored": _count_object(each.stored),
        }


def _gap_objects(reconciliation: GapReconciliation) -> Iterator[dict[str, Any]]:
    for state, gaps in (("known", reconciliation.known), ("fixed", reconciliation.fixed)):
        for gap, misses in gaps.items():
            yield _gap_object(reconciliation, state, gap, misses)
    if reconciliation.undeclared:
        yield _gap_object(reconciliation, "undeclared", None, reconciliation.undeclared)


def _gap_object(
    reconciliation: GapReconciliation, state: str, gap: Gap | None, misses: Iterable[CaseMeasure]
) -> dict[str, Any]:
    by_measure: dict[str, list[str]] = {}
    for case, measure in sorted(misses):
        by_measure.setdefault(measure, []).append(case)
    return {
        "gap": gap.name if gap else None,
        "framework": reconciliation.framework,
        "instrumentor": reconciliation.instrumentor,
        "upstream": gap.upstream if gap else None,
        "patch": gap.patch or None if gap else None,
        "state": state,
        "misses": by_measure,
    }
