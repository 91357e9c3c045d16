"""What is named in a sentence: the cases of rows, the first of them by name."""

from collections.abc import Sequence

from integrations.runner.case_result import Row

NAMED = 3
"""How many a sentence names before it says how many more there are."""


def named(row: Row) -> str:
    """The case of a row."""
    return f"{row.case.framework}/{row.case.name}"


def some(names: Sequence[str], between: str = ", ") -> str:
    """The first of these, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return between.join(names[:NAMED]) + more
