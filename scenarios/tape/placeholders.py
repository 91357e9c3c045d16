"""A capture: text that a line's `when` found in the request, for use in its reply as `${name}`.

A dollar is a dollar (`$327.6`, `$HOME`) unless a name in braces follows; `$${` is a plain `${`.
What an outside service says may also use the inputs of the run, filled in before it begins.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\$\$\{|\$\{(\w+)\}")
InputValue = str | int | float
"""What an input may be. A string that is its use and no more becomes the value itself."""


def placeholder_names(value: Any) -> Iterator[str]:
    """The names used in the string leaves of a reply."""
    if isinstance(value, str):
        yield from (found[1] for found in PLACEHOLDER.finditer(value) if found[1])
    elif isinstance(value, dict):
        for item in value.values():
            yield from placeholder_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from placeholder_names(item)


def fill_captures(value: Any, captures: Mapping[str, str]) -> Any:
    """`value` with its uses replaced, in string leaves only; keys stay as they are."""
    if isinstance(value, str):
        if "${" not in value:
            return value
        return PLACEHOLDER.sub(lambda found: captures[found[1]] if found[1] else "${", value)
    if isinstance(value, dict):
        return {key: fill_captures(item, captures) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_captures(item, captures) for item in value]
    return value


def fill_inputs(value: Any, inputs: Mapping[str, InputValue]) -> Any:
    """`value` with the inputs in its string leaves filled in; what is no input stays as it is."""
    if isinstance(value, str):
        if (use := PLACEHOLDER.fullmatch(value)) and use[1] in inputs:
            return inputs[use[1]]
        return PLACEHOLDER.sub(lambda use: str(inputs.get(use[1], use[0])), value)
    if isinstance(value, dict):
        return {key: fill_inputs(item, inputs) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_inputs(item, inputs) for item in value]
    return value
