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

from integrations.fidelity.comparison import Held
from integrations.gaps.gap import Gap, Missed
from integrations.gaps.reconciliation import Reconciled
from integrations.matrix.matrix import Flown
from integrations.runner.case_result import Row
from scenarios.player.fidelity import Count

FORMAT = "integration-matrix/1"


def document(flown: Sequence[Flown]) -> dict[str, Any]:
    """The whole of it."""
    return {
        "format": FORMAT,
        "passed": all(each.passed for each in flown),
        "cells": [_cell(each) for each in flown],
    }


def _cell(flown: Flown) -> dict[str, Any]:
    stands = flown.environment
    return {
        "cell": flown.cell.name,
        "requirements": list(flown.cell.requirements),
        "passed": flown.passed,
        "troubles": list(flown.troubles),
        "not_installable": flown.why_not or None,
        "packages": dict(stands.packages) if stands else {},
        "seconds": {
            "built": stands.took_s if stands else None,
            "flown": round(flown.took_s, 2),
        },
        "bytes": {
            "disk": stands.disk_bytes if stands else None,
            "own": stands.own_bytes if stands else None,
        },
        "rows": [_row(each) for each in flown.rows],
        "gaps": [gap for each in flown.gaps for gap in _gaps(each)],
        "unlike_table": [unlike for each in flown.held for unlike in _unlike(each)],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "framework": row.case.framework,
        "case": row.case.name,
        "instrumentor": row.instrumentor,
        "absent": row.absent or None,
        "trouble": row.trouble or None,
        "counts": {measure: _count(count) for measure, count in row.counts.items()},
        "bytes": row.bytes,
        "edits": [
            {"kind": each.kind, "where": each.where, "says": each.says, "times": each.times}
            for each in row.edits
        ],
        "drift": [
            {
                "lane": each.lane,
                "call": each.call,
                "severity": each.severity,
                "says": [change.says for change in each.changes],
            }
            for each in row.drifts
        ],
    }


def _count(count: Count | None) -> dict[str, int] | None:
    return {"happened": count.ledger, "told": count.trace} if count else None


def _unlike(held: Held) -> Iterator[dict[str, Any]]:
    for each in held.unlike:
        yield {
            "framework": held.framework,
            "instrumentor": held.instrumentor,
            "case": each.case,
            "measure": each.measure,
            "way": each.way,
            "now": _count(each.now),
            "table": _count(each.table),
        }


def _gaps(seen: Reconciled) -> Iterator[dict[str, Any]]:
    for state, gaps in (("known", seen.known), ("mended", seen.mended)):
        for gap, missed in gaps.items():
            yield _gap(seen, state, gap, missed)
    if seen.undeclared:
        yield _gap(seen, "undeclared", None, seen.undeclared)


def _gap(seen: Reconciled, state: str, gap: Gap | None, missed: Iterable[Missed]) -> dict[str, Any]:
    misses: dict[str, list[str]] = {}
    for case, measure in sorted(missed):
        misses.setdefault(measure, []).append(case)
    return {
        "gap": gap.name if gap else None,
        "framework": seen.framework,
        "instrumentor": seen.instrumentor,
        "upstream": gap.upstream if gap else None,
        "patch": gap.patch or None if gap else None,
        "state": state,
        "misses": misses,
    }
