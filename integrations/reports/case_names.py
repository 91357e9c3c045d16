"""What is named in a sentence: the cases of rows, the first of them by name."""

from collections.abc import Sequence

from integrations.runner.case_result import CaseResult

MAX_NAMED = 3
"""How many a sentence names before it says how many more there are."""


def full_case_name(result: CaseResult) -> str:
    """The case of a row."""
    return f"{result.case.framework}/{result.case.name}"


def join_first(names: Sequence[str], separator: str = ", ") -> str:
    """The first of these, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return separator.join(names[:MAX_NAMED]) + more
