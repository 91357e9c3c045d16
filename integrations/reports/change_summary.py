"""Describe how span trees and prompts differ from their goldens, the most severe change first."""

from collections.abc import Iterable, Iterator, Sequence

from integrations.runner.case_result import CaseResult
from integrations.trees.edit_script import Edit
from scenarios.tape.drift import SEVERITIES, Change

MAX_NAMED = 3
"""How many names a sentence lists."""


def edit_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    """Describe how trees differ from their goldens, by instrumentor."""
    cases: dict[tuple[str, Edit], list[str]] = {}
    for result in results:
        for edit in result.edits:
            cases.setdefault((result.instrumentor, edit), []).append(result.case.full_name)
    for instrumentor, edit in sorted(cases, key=lambda key: (-key[1].severity, key[0])):
        yield f"{instrumentor}: {edit} ({join_first(cases[instrumentor, edit])})"


def drift_sentences(results: Iterable[CaseResult]) -> Iterator[str]:
    """Describe how prompts differ from their goldens, for all instrumentors together."""
    calls: dict[Change, dict[str, None]] = {}
    cases: dict[Change, dict[str, None]] = {}
    for result in results:
        for drift in result.request_drifts:
            for change in drift.changes:
                calls.setdefault(change, {})[drift.location] = None
                cases.setdefault(change, {})[result.case.full_name] = None
    for change in sorted(calls, key=lambda each: -SEVERITIES.index(each.severity)):
        where = join_first(list(calls[change]), separator="; ")
        names = join_first(list(cases[change]))
        yield f"{where} ({change.severity}): {change.description} ({names})"


def join_first(names: Sequence[str], separator: str = ", ") -> str:
    """Join the first names and say how many more there are."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return separator.join(names[:MAX_NAMED]) + more
