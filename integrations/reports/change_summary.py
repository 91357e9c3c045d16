"""What has changed: how trees and prompts differ from their goldens, a sentence each.

The same change in many cases is told once; the worst comes first, for a terminal shows no more than
the first few.
"""

from collections.abc import Iterable, Iterator

from integrations.reports.case_names import full_case_name, join_first
from integrations.runner.case_result import CaseResult
from integrations.trees.edit_script import Edit
from scenarios.tape.drift import SEVERITIES, Change


def edit_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    """How the trees differ, by instrumentor."""
    found: dict[tuple[str, Edit], list[str]] = {}
    for row in results:
        for edit in row.edits:
            found.setdefault((row.instrumentor, edit), []).append(full_case_name(row))
    for instrumentor, edit in sorted(found, key=lambda told: (-told[1].severity, told[0])):
        yield f"{instrumentor}: {edit} ({join_first(found[instrumentor, edit])})"


def drift_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    """How the prompts differ: the same is asked whoever records it."""
    calls: dict[Change, dict[str, None]] = {}
    cases: dict[Change, dict[str, None]] = {}
    for row in results:
        for drift in row.request_drifts:
            for change in drift.changes:
                calls.setdefault(change, {})[drift.location] = None
                cases.setdefault(change, {})[full_case_name(row)] = None
    for change in sorted(calls, key=lambda each: -SEVERITIES.index(each.severity)):
        where = join_first(list(calls[change]), separator="; ")
        yield f"{where} ({change.severity}): {change.description} ({join_first(list(cases[change]))})"
