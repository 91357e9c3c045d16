"""A nesting: how deep the lists and objects of a JSON value stand within each other."""

from typing import Any

MAX_DEPTH = 100
"""As deep as a request or a line may go. What is read must be written again, and orjson, which
reads 1024 levels, writes no more than 254."""


def exceeds_max_depth(value: Any) -> bool:
    """Whether a value goes deeper than `DEEPEST`."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
