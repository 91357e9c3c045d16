"""A capture: text that a line's `when` found in the request, for use in its reply as `${name}`.

A dollar is a dollar (`$327.6`, `$HOME`) unless a name in braces follows; `$${` is a plain `${`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

USE = re.compile(r"\$\$\{|\$\{(\w+)\}")


def captures_used(value: Any) -> Iterator[str]:
    """The names used in the string leaves of a reply."""
    if isinstance(value, str):
        yield from (found[1] for found in USE.finditer(value) if found[1])
    elif isinstance(value, dict):
        for item in value.values():
            yield from captures_used(item)
    elif isinstance(value, list):
        for item in value:
            yield from captures_used(item)


def filled(value: Any, captures: Mapping[str, str]) -> Any:
    """`value` with its uses replaced, in string leaves only; keys stay as they are."""
    if isinstance(value, str):
        if "${" not in value:
            return value
        return USE.sub(lambda found: captures[found[1]] if found[1] else "${", value)
    if isinstance(value, dict):
        return {key: filled(item, captures) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, captures) for item in value]
    return value
