"""What has changed: how trees and prompts differ from their goldens, a sentence each.

The same change in many cases is told once; the worst comes first, for a terminal shows no more than
the first few.
"""

from collections.abc import Iterable, Iterator

from integrations.reports.case_names import named, some
from integrations.runner.case_result import Row
from integrations.trees.edit_script import Edit
from scenarios.tape.drift import SEVERITIES, Change


def edits(rows: Iterable[Row]) -> Iterator[str]:
    """How the trees differ, by instrumentor."""
    found: dict[tuple[str, Edit], list[str]] = {}
    for row in rows:
        for edit in row.edits:
            found.setdefault((row.instrumentor, edit), []).append(named(row))
    for instrumentor, edit in sorted(found, key=lambda told: (-told[1].severity, told[0])):
        yield f"{instrumentor}: {edit} ({some(found[instrumentor, edit])})"


def drifts(rows: Iterable[Row]) -> Iterator[str]:
    """How the prompts differ: the same is asked whoever records it."""
    calls: dict[Change, dict[str, None]] = {}
    cases: dict[Change, dict[str, None]] = {}
    for row in rows:
        for drift in row.drifts:
            for change in drift.changes:
                calls.setdefault(change, {})[drift.where] = None
                cases.setdefault(change, {})[named(row)] = None
    for change in sorted(calls, key=lambda each: -SEVERITIES.index(each.severity)):
        where = some(list(calls[change]), between="; ")
        yield f"{where} ({change.severity}): {change.says} ({some(list(cases[change]))})"
