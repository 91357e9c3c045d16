"""The report of the matrix as a document for programs: JSON, whose keys stay what they are.

`format` names the keys of this version:

- `passed`: what the exit code says;
- `cells`, each with `cell`, `requirements`, `passed`, `troubles` (sentences), `not_installable`
  (the resolver's reason, or null), `packages` (versions by name), `seconds` (`built`, `flown`),
  `bytes` (`disk`: all of its files; `own`: those that it shares with no other), and
- `rows`, each with `framework`, `case`, `instrumentor`, `absent` and `trouble` (sentences, or
  null), `counts` (by measure: `happened`, `told`), `bytes` of what was recorded, `edits` (`kind`,
  `where`, `says`, `times`) and `drift` (`lane`, `call`, `severity`, `says`);
- `gaps`, each with `gap`, `framework`, `instrumentor`, `upstream`, `patch` and `state`: `known`,
  `mended` or, where no gap is declared, `undeclared`; and `misses`, by measure the cases;
- `unlike_table`, of instrumentors without declared gaps, each with `framework`, `instrumentor`,
  `case`, `measure`, `way` (`worse`, `better`, `otherwise`), and as `now` and `table` have it
  `happened` and `told`, or null.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from integrations.fidelity.comparison import TableComparison
from integrations.gaps.gap import CaseMeasure, Gap
from integrations.gaps.reconciliation import GapReconciliation
from integrations.matrix.matrix import EnvironmentResult
from integrations.runner.case_result import CaseResult
from scenarios.player.fidelity import FidelityCount

FORMAT = "integration-matrix/1"


def matrix_document(results: Sequence[EnvironmentResult]) -> dict[str, Any]:
    """The whole of it."""
    return {
        "format": FORMAT,
        "passed": all(each.passed for each in results),
        "cells": [_environment_object(each) for each in results],
    }


def _environment_object(result: EnvironmentResult) -> dict[str, Any]:
    stands = result.environment
    return {
        "cell": result.spec.name,
        "requirements": list(result.spec.requirements),
        "passed": result.passed,
        "troubles": list(result.problems),
        "not_installable": result.install_error or None,
        "packages": dict(stands.packages) if stands else {},
        "seconds": {
            "built": stands.took_s if stands else None,
            "flown": round(result.duration_s, 2),
        },
        "bytes": {
            "disk": stands.disk_bytes if stands else None,
            "own": stands.own_bytes if stands else None,
        },
        "rows": [_result_object(each) for each in result.case_results],
        "gaps": [gap for each in result.gap_reconciliations for gap in _gap_objects(each)],
        "unlike_table": [
            unlike for each in result.table_comparisons for unlike in _difference_objects(each)
        ],
    }


def _result_object(result: CaseResult) -> dict[str, Any]:
    return {
        "framework": result.case.framework,
        "case": result.case.name,
        "instrumentor": result.instrumentor,
        "absent": result.unsupported or None,
        "trouble": result.problem or None,
        "counts": {measure: _count_object(count) for measure, count in result.counts.items()},
        "bytes": result.stored_bytes,
        "edits": [
            {"kind": each.kind, "where": each.path, "says": each.description, "times": each.times}
            for each in result.edits
        ],
        "drift": [
            {
                "lane": each.lane,
                "call": each.call,
                "severity": each.severity,
                "says": [change.description for change in each.changes],
            }
            for each in result.request_drifts
        ],
    }


def _count_object(count: FidelityCount | None) -> dict[str, int] | None:
    return {"happened": count.ledger, "told": count.trace} if count else None


def _difference_objects(comparison: TableComparison) -> Iterator[dict[str, Any]]:
    for each in comparison.differences:
        yield {
            "framework": comparison.framework,
            "instrumentor": comparison.instrumentor,
            "case": each.case,
            "measure": each.measure,
            "way": each.direction,
            "now": _count_object(each.measured),
            "table": _count_object(each.stored),
        }


def _gap_objects(reconciliation: GapReconciliation) -> Iterator[dict[str, Any]]:
    for state, gaps in (("known", reconciliation.known), ("mended", reconciliation.fixed)):
        for gap, missed in gaps.items():
            yield _gap_object(reconciliation, state, gap, missed)
    if reconciliation.undeclared:
        yield _gap_object(reconciliation, "undeclared", None, reconciliation.undeclared)


def _gap_object(
    reconciliation: GapReconciliation, state: str, gap: Gap | None, missed: Iterable[CaseMeasure]
) -> dict[str, Any]:
    misses: dict[str, list[str]] = {}
    for case, measure in sorted(missed):
        misses.setdefault(measure, []).append(case)
    return {
        "gap": gap.name if gap else None,
        "framework": reconciliation.framework,
        "instrumentor": reconciliation.instrumentor,
        "upstream": gap.upstream if gap else None,
        "patch": gap.patch or None if gap else None,
        "state": state,
        "misses": misses,
    }
